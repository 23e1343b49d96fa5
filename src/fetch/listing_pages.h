/*-------------------------------------------------------------------------
 *
 * listing_pages.h
 *	  What a scan knows of one list: its pages, where it ends, which ids came
 *	  before.  No input or output.
 *
 * The arithmetic of pages belongs to the API: the rank of the first item of
 * page p is (p - 1) * limit + 1, where limit is what the server really applied,
 * which may differ from what was asked and may change from answer to answer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LISTING_PAGES_H
#define KEYAPI_LISTING_PAGES_H

#include "compat.h"

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "api/listing.h"
#include "json/decode.h"

/* A page as it arrived, decoded. */
typedef struct KeyapiPage
{
	int			number;			/* from 1 */
	int64		first_rank;		/* rank of its first item */
	int64		end_rank;		/* first rank that is beyond the page */
	bool		more;			/* the list goes on after this page */
	int64		pass;			/* last pass that read it; 0: none */
	TimestampTz fetched_at;
	KeyapiDecoded data;
} KeyapiPage;

typedef struct KeyapiListingPages
{
	KeyapiListing listing;
	MemoryContext context;		/* of all that follows */
	struct KeyapiStatementList *statement_list; /* where the pages come from;
												 * set and used by fetcher.c,
												 * NULL at first */
	int			limit;			/* effective page size, as far as known */
	int64		end_rank;		/* no rank from here on; PG_INT64_MAX while
								 * unknown */
	int64		total_count;	/* as last announced, or -1 */
	int			last_page;		/* number of a page that has arrived, maybe
								 * not here yet, and seems to be the last;
								 * else INT_MAX.  Pages after it are not asked
								 * for ahead. */
	List	   *pages;			/* KeyapiPage, by first_rank */
	struct idtable_hash *ids;	/* where each id occurs */
	bool		echo_seen;		/* an item said which list it is of */
	bool		echo_matched;	/* ... and it was this one */
	const char *other_echo;		/* what another item said, or NULL */
} KeyapiListingPages;

/*
 * A list of which nothing is known yet, in CurrentMemoryContext.  listing is
 * copied, strings included.
 */
extern KeyapiListingPages *keyapi_listing_create(const KeyapiListing *listing);

/*
 * Number of the page that holds the rank by today's arithmetic.
 */
extern int	keyapi_listing_page_number(const KeyapiListingPages *listing_pages, int64 rank);

/*
 * The page that covers the rank, if it has arrived; else NULL.
 */
extern KeyapiPage *keyapi_listing_page_at(const KeyapiListingPages *listing_pages,
										  int64 rank);

/*
 * Whether the list can have no item at this rank or after it, from what its
 * pages said: the end was met, or the rank is beyond the announced total and no
 * page said that the list goes on there.
 */
extern bool keyapi_listing_ends_before(const KeyapiListingPages *listing_pages, int64 rank);

/*
 * Add a page that has arrived.  page->number, fetched_at and data are set by
 * the caller, the rest here: ranks, stop rule, ids.  Warns if the list ends
 * before the total that it announces.
 */
extern void keyapi_listing_add_page(KeyapiListingPages *listing_pages, KeyapiPage *page);

/*
 * Whether the list seems to end with this page, by what it says alone.
 */
extern bool keyapi_listing_page_is_last(const KeyapiListing *listing,
										const KeyapiPage *page);

/*
 * Whether the item at this rank repeats one of a lower rank on a page that the
 * same pass has read.
 */
extern bool keyapi_listing_is_duplicate(const KeyapiListingPages *listing_pages,
										const KeyapiItem *item, int64 rank,
										int64 pass);

#endif							/* KEYAPI_LISTING_PAGES_H */
