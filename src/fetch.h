/*-------------------------------------------------------------------------
 *
 * fetch.h
 *	  A page of a list, from the API.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FETCH_H
#define KEYAPI_FETCH_H

#include "compat.h"

#include "list.h"

/* What requests have cost. */
typedef struct KeyapiCost
{
	int64		requests;
	int64		bytes;			/* bodies as received */
	int64		credits;
	double		http_time;		/* ms, summed over the requests */
} KeyapiCost;

typedef struct KeyapiFetcher KeyapiFetcher;

/*
 * A fetcher in CurrentMemoryContext.  Nothing is looked up before the first
 * page is asked for; then the server's options and the user's key are read, once.
 * paths are the npaths cells of each video to decode (see decode.h), kept by the
 * caller.
 */
extern KeyapiFetcher *keyapi_fetcher_create(Oid serverid, Oid userid,
											const char *const *paths,
											int npaths);

/*
 * Get a page of the list from the API, waiting for it, and add it to the list.
 * Raises the errors of error.h, what the user's credentials raise (option.h), and
 * what interrupts raise; the list is unchanged then.
 */
extern KeyapiPage *keyapi_fetch_page(KeyapiFetcher *fetcher,
									 KeyapiListState *state, int number);

extern const KeyapiCost *keyapi_fetcher_cost(const KeyapiFetcher *fetcher);

#endif							/* KEYAPI_FETCH_H */
