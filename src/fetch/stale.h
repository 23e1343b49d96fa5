/*-------------------------------------------------------------------------
 *
 * stale.h
 *	  An old state of a list in place of an error: option stale_if_error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_STALE_H
#define KEYAPI_STALE_H

#include "compat.h"

#include "fetch/fetch_state.h"

/*
 * A WAITING or FAILED request has failed, or would: if the option allows it,
 * nothing of its list has been read, and the last state of the list that has the
 * page is young enough, use that, whole, with a WARNING.  Then the request has
 * ARRIVED.  False if not, and nothing has changed.
 */
extern bool keyapi_stale_use(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
							 const KeyapiFailure *failure);

#endif							/* KEYAPI_STALE_H */
