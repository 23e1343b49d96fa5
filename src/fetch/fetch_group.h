/*-------------------------------------------------------------------------
 *
 * fetch_group.h
 *	  What the fetchers of a query have in common that use the same server with
 *	  the same key: one window of requests, in which no page is asked for twice,
 *	  and the knowledge that key and API work.
 *
 * A fetcher is driven while its scan waits for a page.  Others can lend it their
 * requests: those are sent, and their responses received, meanwhile.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FETCH_GROUP_H
#define KEYAPI_FETCH_GROUP_H

#include "compat.h"

#include "lib/ilist.h"

typedef struct KeyapiFetchGroup
{
	dlist_node	node;			/* among all groups */
	MemoryContext query;		/* the same for all scans of a query */
	Oid			serverid;
	Oid			userid;
	int			in_flight;		/* requests of all of its fetchers */
	bool		works;			/* a page has arrived */
	struct KeyapiFetcher *driven;	/* whose scan waits, or waited last */
	dlist_head	lent;			/* KeyapiFetcher whose requests others may
								 * send, in the order they will be read */
} KeyapiFetchGroup;

/*
 * The group of a fetcher of the query whose memory is CurrentMemoryContext; lives
 * as long as that.
 */
extern KeyapiFetchGroup *keyapi_fetch_group(Oid serverid, Oid userid);

#endif							/* KEYAPI_FETCH_GROUP_H */
