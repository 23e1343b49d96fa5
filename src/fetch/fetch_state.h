/*-------------------------------------------------------------------------
 *
 * fetch_state.h
 *	  What a fetcher has in memory: its requests, its books, its group, and what
 *	  requests are sent with.  No functions.
 *
 * fetcher.c makes it; send.c and receive.c work on it.  Others see fetcher.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FETCH_STATE_H
#define KEYAPI_FETCH_STATE_H

#include "compat.h"

#include "fetch/fetch_group.h"
#include "fetch/ledger.h"
#include "fetch/page_request.h"
#include "options/option.h"
#include "shared/account.h"
#include "shared/progress.h"

typedef struct KeyapiFetcher
{
	MemoryContext context;
	Oid			relid;
	const KeyapiTableOptions *options;
	Oid			serverid;
	Oid			userid;

	/* set when the first page is asked for */
	KeyapiServerOptions *server;
	KeyapiPatience patience;	/* that they say */
	int			cache_ttl_ms;
	char	   *api_key;		/* NULL: nothing of these is set yet */
	KeyapiAccountId account;
	KeyapiProgressReport *report;

	KeyapiPageRequests requests;
	KeyapiLedger ledger;
	KeyapiProgress progress;	/* as the scan has told it last ... */
	int64		arrived_before; /* ... when so many pages had arrived */
	KeyapiFetchGroup *group;
	dlist_node	lent_node;		/* in group->lent, */
	bool		lent;			/* ... if it is there */
} KeyapiFetcher;

#endif							/* KEYAPI_FETCH_STATE_H */
