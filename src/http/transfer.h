/*-------------------------------------------------------------------------
 *
 * transfer.h
 *	  A request on its way: what request.c, event_loop.c and outcome.c know of
 *	  it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_TRANSFER_H
#define KEYAPI_TRANSFER_H

#include "http/http.h"

#include <curl/curl.h>

#include "lib/ilist.h"

/* CURLOPT_QUICK_EXIT and CURLOPT_CA_CACHE_TIMEOUT came with 7.87 */
#if LIBCURL_VERSION_NUM < 0x075700
#error "keyapi_fdw needs libcurl 7.87.0 or later"
#endif

/*
 * Lives in a memory context of its own; deleting that abandons the transfer.
 * libcurl's callbacks write to it.  They must neither palloc nor ereport: an
 * error thrown through libcurl's frames leaves its handles unusable.
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

	/* readings of keyapi_http_loop_clock */
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
	bool		no_memory;		/* for the body */
	char		error[CURL_ERROR_SIZE];

	char	   *location;		/* libcurl's, or NULL */

	/* see certificate.h */
	bool		looking;		/* only at the certificate */
	CURLcode	refused_as;		/* what the request came to before */

	bool		finished;
	KeyapiHttpOutcome outcome;
};

#endif							/* KEYAPI_TRANSFER_H */
