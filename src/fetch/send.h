/*-------------------------------------------------------------------------
 *
 * send.h
 *	  When a page request may start: limits of concurrency and rate, budget,
 *	  and other sessions that have the page or ask for it already.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SEND_H
#define KEYAPI_SEND_H

#include "compat.h"

#include "fetch/fetch_state.h"

#define KEYAPI_NEVER PG_INT64_MAX

/*
 * Send what may be sent, the page that is needed (or NULL) first, and use the
 * pages that were cached meanwhile.  Returns when there may be more to send, by
 * the gate's clock, or KEYAPI_NEVER if something has to happen before.  Raises
 * 54000 if the page that is needed may not be paid for, and what
 * keyapi_http_start raises.
 */
extern int64 keyapi_fetch_send(KeyapiFetcher *fetcher, KeyapiPageRequest *needed);

/*
 * What keeps a page from arriving.
 */
extern KeyapiWait keyapi_fetch_waits_for(const KeyapiFetcher *fetcher,
										 const KeyapiPageRequest *request);

#endif							/* KEYAPI_SEND_H */
