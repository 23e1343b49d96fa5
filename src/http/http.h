/*-------------------------------------------------------------------------
 *
 * http.h
 *	  URL in, outcome out: what the only folder that knows libcurl offers.
 *
 * request.c starts and releases transfers, event_loop.c drives them, and
 * outcome.c says what came of them.
 *
 * One multi handle lives as long as the backend and keeps connections and TLS
 * sessions alive.  Transfers make progress only inside keyapi_http_drive,
 * which can be interrupted at any time: it waits for libcurl's sockets and
 * the backend's latch together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_HTTP_H
#define KEYAPI_HTTP_H

#include "compat.h"

typedef struct KeyapiHttpOptions
{
	const char *ca_file;		/* PEM bundle, or NULL: the system's */
	const char *proxy;			/* URL, or NULL: none, whatever the
								 * environment says */
	int			connect_timeout_ms; /* until connected, TLS included */
	int			request_timeout_ms; /* from DNS to the last byte */
	bool		no_cache;		/* have caches on the way ask the API */
} KeyapiHttpOptions;

typedef enum KeyapiHttpResult
{
	KEYAPI_HTTP_RESPONSE,		/* status and body arrived whole */
	KEYAPI_HTTP_CONNECT_FAILED, /* DNS, TCP or proxy */
	KEYAPI_HTTP_CONNECT_TIMEOUT,	/* connect_timeout passed */
	KEYAPI_HTTP_TLS_FAILED,		/* handshake or certificate */
	KEYAPI_HTTP_CERTIFICATE_EXPIRED,
	KEYAPI_HTTP_BROKEN,			/* reset, or short body */
	KEYAPI_HTTP_BAD_ENCODING,	/* body whole, but cannot be decompressed */
	KEYAPI_HTTP_TIMEOUT,		/* request_timeout passed */
	KEYAPI_HTTP_TOO_LARGE		/* body over the cap, decompressed */
} KeyapiHttpResult;

typedef struct KeyapiHttpOutcome
{
	KeyapiHttpResult result;
	int			status;			/* HTTP status; 0 if none arrived */
	const char *body;			/* NUL-terminated, decompressed; "" if none */
	size_t		body_len;
	int64		wire_bytes;		/* body bytes as received, compressed */
	int64		retry_after_ms; /* from now, at most one day; -1: none */
	bool		from_cache;		/* a cache says that it had the response */
	int64		age_ms;			/* since the API sent it, as caches count; 0 */
	const char *location;		/* of a redirect: URL without user, query and
								 * fragment, UTF-8 or not; NULL: none */
	double		elapsed_ms;		/* how long the transfer was driven */
	char		reason[256];	/* libcurl's words when not RESPONSE, or "" */
} KeyapiHttpOutcome;

typedef struct KeyapiTransfer KeyapiTransfer;

/*
 * Start a GET.
 *
 * url and bearer (or NULL) are copied.  bearer is sent as "Authorization: Bearer
 * ...", never in the URL, and never to a redirect's target: no redirect is
 * followed.  The request is sent at most once: where libcurl would send it again
 * by itself, because a pooled connection turns out to be dead, the outcome is
 * KEYAPI_HTTP_BROKEN.  The transfer belongs to CurrentMemoryContext: when that
 * is reset or deleted, an unfinished transfer is abandoned and all of it is
 * freed.
 *
 * Raises an ERROR if libcurl cannot be initialised or refuses an option
 * (58000), or on lack of memory; then nothing is left behind.
 */
extern KeyapiTransfer *keyapi_http_start(const char *url, const char *bearer,
										 const KeyapiHttpOptions *options);

/*
 * Drive all transfers of this backend until one of them has just finished,
 * timeout_ms have passed (-1: no limit; 0: only what is ready now), the latch
 * was set, or an interrupt is pending, whichever comes first.  With no transfer in
 * flight it is a sleep.  Interrupts are left to the caller, which first looks
 * at what has finished and then calls CHECK_FOR_INTERRUPTS: if one is pending,
 * what has arrived at this machine already is finished too.  Exits the process
 * when the postmaster has died.
 *
 * wait_event_info is what pg_stat_activity shows meanwhile.
 *
 * request_timeout and connect_timeout count only time spent in here: a
 * transfer does not age while a cursor sleeps.
 */
extern void keyapi_http_drive(long timeout_ms, uint32 wait_event_info);

/*
 * The outcome of a finished transfer, valid until its release; NULL while it
 * is in flight.
 */
extern const KeyapiHttpOutcome *keyapi_http_outcome(const KeyapiTransfer *transfer);

/*
 * Whether the request was sent, in flight or finished.  One without a
 * connection was not (yet), and costs nothing.
 */
extern bool keyapi_http_sent(const KeyapiTransfer *transfer);

/*
 * Free a transfer, abandoning it if it is in flight.  Never raises an error.
 */
extern void keyapi_http_release(KeyapiTransfer *transfer);

#endif							/* KEYAPI_HTTP_H */
