/*-------------------------------------------------------------------------
 *
 * retry.h
 *	  Whether a failed request is sent again, and when.
 *
 * Which causes are worth it is in the table of api/failure.c.  How long the rate
 * limit keeps all requests back is the gate's matter (shared/gate.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RETRY_H
#define KEYAPI_RETRY_H

#include "compat.h"

#include "api/failure.h"
#include "options/option.h"

#define KEYAPI_NO_RETRY INT64CONST(-1)

/*
 * How long to wait before another try, in us; or KEYAPI_NO_RETRY.
 * from_cache: an HTTP cache remembered the failure; it is passed by at once, once.
 * failure->attempts are the requests that were sent for the page.  If the API
 * asks for a longer pause than option max_retry_wait allows, failure->reason
 * says so unless it says something already.
 */
extern int64 keyapi_retry_delay(KeyapiFailure *failure,
								const KeyapiServerOptions *server,
								bool from_cache);

#endif							/* KEYAPI_RETRY_H */
