/*-------------------------------------------------------------------------
 *
 * give_up.h
 *	  When a page that is needed is not waited for any longer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_GIVE_UP_H
#define KEYAPI_GIVE_UP_H

#include "compat.h"

#include "fetch/fetch_state.h"

/*
 * A page is needed, and its request is WAITING at this time of the gate's clock.
 * If there is no use in waiting, it has FAILED afterwards: what keeps it back lasts
 * longer, or has been tried in vain more often, than this session's options allow.
 * If the API is down and an old state of the list will do, it has ARRIVED.
 * Raises 54000 if the page may not be paid for.
 */
extern void keyapi_give_up_hopeless(KeyapiFetcher *fetcher,
									KeyapiPageRequest *request, int64 now);

#endif							/* KEYAPI_GIVE_UP_H */
