/*-------------------------------------------------------------------------
 *
 * event_loop.h
 *	  The event loop, as request.c uses it.
 *
 * What drives the loop is keyapi_http_drive in http.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_EVENT_LOOP_H
#define KEYAPI_EVENT_LOOP_H

#include "http/transfer.h"

/*
 * A clean easy handle with the shared TLS sessions attached.  Initialises
 * libcurl at the first call.  Raises an ERROR (58000) if that fails.
 */
extern CURL *keyapi_http_loop_easy(void);

/*
 * Set a transfer in motion.  Raises an ERROR (58000) if libcurl refuses it.
 */
extern void keyapi_http_loop_add(KeyapiTransfer *transfer);

/*
 * Take the transfer out of the loop, if it is there, and its easy handle back
 * into the pool.  Never raises an error.
 */
extern void keyapi_http_loop_drop(KeyapiTransfer *transfer);

/*
 * The clock that transfers age by, in us: the time that this backend has spent
 * in the loop.
 */
extern int64 keyapi_http_loop_clock(void);

#endif							/* KEYAPI_EVENT_LOOP_H */
