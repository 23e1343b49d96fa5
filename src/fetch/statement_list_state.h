/*-------------------------------------------------------------------------
 *
 * statement_list_state.h
 *	  What a statement's list has in memory: the struct that statement_lists and
 *	  statement_pages share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_STATEMENT_LIST_STATE_H
#define KEYAPI_STATEMENT_LIST_STATE_H

#include "compat.h"

#include "lib/ilist.h"

#include "fetch/list_page.h"
#include "shared/cache.h"
#include "shared/single_flight.h"

typedef struct KeyapiStatementList
{
	dlist_node	node;			/* in the statement's lists, until it is over */
	int			readers;		/* the statement, and queries that read it */
	MemoryContext context;		/* of all that follows */
	KeyapiCacheKey key;
	int			ttl_ms;
	bool		opened;			/* the cached listing was looked for */
	KeyapiCachedId id;			/* ... and is this one; or there is none */
	bool		reopened;		/* the cached listing was dropped once */
	int			complete_to;	/* the cached listing has all pages up to this
								 * one, the last; 0: not that we know */
	KeyapiSharedFailure *stale; /* why the list is an old state of it; or NULL */
	KeyapiSpillFile *file;		/* for pages that memory has no room for */
	KeyapiListPage **pages;		/* what was read or paid for, in no order */
	int			num_pages;
	int			max_pages;
} KeyapiStatementList;

/*
 * The list that a scan of the current query has, or one of this statement, or NULL.
 */
extern KeyapiStatementList *keyapi_statement_list_find(const KeyapiCacheKey *key);

#endif							/* KEYAPI_STATEMENT_LIST_STATE_H */
