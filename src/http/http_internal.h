/*-------------------------------------------------------------------------
 *
 * http_internal.h
 *	  What the files of the HTTP room share: http.c (requests), event_loop.c
 *	  (libcurl's handles, and the waiting), poll.c (epoll or kqueue) and
 *	  outcome.c (what came of a transfer).
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_HTTP_INTERNAL_H
#define KEYAPI_HTTP_INTERNAL_H

#include "http/http.h"

#include <curl/curl.h>

#include "lib/ilist.h"

/* CURLOPT_QUICK_EXIT and CURLOPT_CA_CACHE_TIMEOUT came with 7.87 */
#if LIBCURL_VERSION_NUM < 0x075700
#error "keyapi_fdw needs libcurl 7.87.0 or later"
#endif

/*
 * Lives in a memory context of its own, whose deletion abandons the transfer.
 * libcurl's callbacks write to it; they must neither palloc nor ereport, for
 * an error thrown through libcurl's frames leaves its handles unusable.
 */
struct KeyapiTransfer
{
	MemoryContext context;
	MemoryContextCallback on_delete;

	CURL	   *easy;			/* NULL once finished */
	struct curl_slist *headers; /* sent; libcurl does not copy them */
	const char *bearer;			/* points into headers, or NULL */
	bool		running;		/* known to the multi handle */
	dlist_node	node;			/* in the list of running transfers */

	/* readings of the drive clock, in us */
	int64		started_us;
	int64		connect_by_us;
	int64		finish_by_us;

	/* written by the callbacks */
	bool		sent;			/* connected, TLS included, and sent */
	bool		replayed;		/* libcurl was about to send it again */
	char	   *body;			/* malloc'd, NUL-terminated, or NULL */
	size_t		body_len;
	size_t		body_size;		/* allocated */
	size_t		header_len;
	const char *too_large;		/* what exceeded its cap, or NULL */
	char		error[CURL_ERROR_SIZE];

	bool		finished;
	KeyapiHttpOutcome outcome;
};

/* ---- event_loop.c ---- */

/*
 * A clean easy handle with the shared TLS sessions attached.  Initialises
 * libcurl at the first call.  Raises an ERROR if that fails.
 */
extern CURL *keyapi_http_loop_easy(void);

/*
 * Set a transfer in motion.  Raises an ERROR if libcurl refuses it.
 */
extern void keyapi_http_loop_add(KeyapiTransfer *transfer);

/*
 * Take the transfer out of the loop, if it is there, and its easy handle back
 * into the pool.  Never raises an error.
 */
extern void keyapi_http_loop_drop(KeyapiTransfer *transfer);

/*
 * A running transfer grows older by the time that the loop runs.
 */
extern int64 keyapi_http_loop_clock(void);

/* ---- poll.c ---- */

/* Most sockets that one call of keyapi_http_poll_ready returns. */
#define KEYAPI_HTTP_MAX_READY	32

/*
 * A descriptor that is readable while any socket that it watches is ready, or
 * -1 with errno set.
 */
extern int	keyapi_http_poll_create(void);

/*
 * Watch a socket for input, output, both, or no longer.  False, and errno set,
 * if that fails.
 */
extern bool keyapi_http_poll_watch(int poll_fd, int fd, bool input, bool output);

/*
 * Store the sockets that are ready in fds, without waiting; how many.
 */
extern int	keyapi_http_poll_ready(int poll_fd, int *fds);

/* ---- outcome.c ---- */

/*
 * Fill in the outcome of a transfer that libcurl has done, or of one whose
 * time is up (then result is ignored).  The easy handle must still be there.
 */
extern void keyapi_http_conclude(KeyapiTransfer *transfer, CURLcode result,
								 bool overdue);

#endif							/* KEYAPI_HTTP_INTERNAL_H */
