/*-------------------------------------------------------------------------
 *
 * receive.h
 *	  What becomes of a page request that has been answered, or whose page is
 *	  cached: it arrives, waits for another try, or fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RECEIVE_H
#define KEYAPI_RECEIVE_H

#include "compat.h"

#include "fetch/fetch_state.h"
#include "fetch/statement_lists.h"

/*
 * Take in the responses that are there: share their pages with other sessions,
 * and learn from them where their lists end.  needed is the page that is waited
 * for, or NULL: it does not enter its list here.
 */
extern void keyapi_fetch_receive(KeyapiFetcher *fetcher,
								 const KeyapiPageRequest *needed);

/*
 * Use a page of the statement's list for a WAITING or FAILED request, which has
 * ARRIVED then.
 */
extern void keyapi_fetch_use_cached(KeyapiFetcher *fetcher,
									KeyapiPageRequest *request,
									KeyapiListPage *page);

/*
 * Enter a page that has ARRIVED into its list at once if it is the first one of
 * it: it tells how long the list is.
 */
extern void keyapi_fetch_enter_first(KeyapiPageRequest *request);

/*
 * Until when others are to wait for the answer to a request that starts now: some
 * seconds longer than this session does.
 */
extern TimestampTz keyapi_fetch_flight_end(const KeyapiFetcher *fetcher);

/*
 * Take a request out of the books if it turns out that it was not sent, because
 * there was no connection.  Its transfer must be over, or about to be abandoned.
 */
extern void keyapi_fetch_cancel_unsent(KeyapiFetcher *fetcher,
									   const KeyapiPageRequest *request);

#endif							/* KEYAPI_RECEIVE_H */
