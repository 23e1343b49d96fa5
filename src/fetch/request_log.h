/*-------------------------------------------------------------------------
 *
 * request_log.h
 *	  A line in the server's log for each request: setting
 *	  keyapi_fdw.log_requests.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_REQUEST_LOG_H
#define KEYAPI_REQUEST_LOG_H

#include "compat.h"

#include "fetch/fetch_state.h"

/*
 * Define the setting; once, when the library is loaded.
 */
extern void keyapi_request_log_init(void);

/*
 * Log a request that has been answered or has failed, if the setting says so: in
 * RECEIVED, with its transfer.  request_id is the API's, or NULL; failure tells
 * the cause, KEYAPI_OK for a page.
 */
extern void keyapi_request_log(const KeyapiFetcher *fetcher,
							   const KeyapiPageRequest *request,
							   const char *request_id,
							   const KeyapiFailure *failure);

/*
 * The same for a request IN_FLIGHT that is about to be abandoned.  One that was
 * not sent is not logged.
 */
extern void keyapi_request_log_abandoned(const KeyapiFetcher *fetcher,
										 const KeyapiPageRequest *request);

#endif							/* KEYAPI_REQUEST_LOG_H */
