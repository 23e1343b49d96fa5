/*-------------------------------------------------------------------------
 *
 * listing_items.h
 *	  The items of one listing, and which of them have the same id: lists move while
 *	  they are read, so an item may come again on a later page.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LISTING_ITEMS_H
#define KEYAPI_LISTING_ITEMS_H

#include "compat.h"

#include "utils/timestamp.h"

#include "fetch/kept_pages.h"

/* A page that has arrived. */
typedef struct KeyapiPage
{
	int			number;			/* from 1 */
	int64		pass;			/* last pass that read it; 0: none */
	TimestampTz fetched_at;
	int			nrows;
	KeyapiKeptPage *kept;		/* what is on it: the statement's list has it */
	int			items;			/* its first one in the listing's items */
} KeyapiPage;

typedef struct KeyapiListingItems KeyapiListingItems;

/*
 * No items yet, in CurrentMemoryContext.
 */
extern KeyapiListingItems *keyapi_listing_items_create(void);
extern void keyapi_listing_items_free(KeyapiListingItems *listing);

/*
 * How many items have been entered.
 */
extern int	keyapi_listing_items_count(const KeyapiListingItems *listing);

/*
 * Enter the items of a page that is in memory, and set page->items.  True if at least
 * one of them is new: its id is unknown, or known only from pages with higher
 * numbers.  announced is how many items the listing is said to have, or -1.  May read
 * pages back that were spilled, and raises what that raises.
 */
extern bool keyapi_listing_items_enter(KeyapiListingItems *listing, KeyapiPage *page,
									   int64 announced);

/*
 * Whether the item with this index on the page repeats one before it: on the
 * page itself, or on one with a lower number that the same pass has read.
 */
extern bool keyapi_listing_items_repeats(const KeyapiListingItems *listing,
										 const KeyapiPage *page, int index,
										 int64 pass);

#endif							/* KEYAPI_LISTING_ITEMS_H */
