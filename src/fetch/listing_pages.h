/*-------------------------------------------------------------------------
 *
 * listing_pages.h
 *	  What a scan knows of one listing: its pages, how large they are, where it
 *	  ends.  No input or output.
 *
 * One rule decides all of it: what a page shows beats what any page announces.
 *
 * Page size.  The rank of the first item of page p is (p - 1) * size + 1, where
 * size is what the server really applies.  It is the larger of two things: the
 * limit that pages echo, as far as that is not above what was asked for, and the
 * most items seen on any page.  The page that ends a listing may be short, so
 * what it echoes counts only while no other page is known; even then the size
 * asked for is taken if the announced total agrees with it.
 *
 * End.  has_more decides, and once a page has it, no total does.  Without it the
 * listing ends where total_count says, unless a page shows items beyond that;
 * without either, with a page that is not full.  An empty page, and one that
 * brings no new id, ends the listing whatever it announces.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LISTING_PAGES_H
#define KEYAPI_LISTING_PAGES_H

#include "compat.h"

#include "api/listing.h"
#include "fetch/listing_items.h"

typedef struct KeyapiListingPages
{
	KeyapiListing listing;
	MemoryContext context;		/* of all that follows */
	struct KeyapiStatementList *statement_list; /* whose pages these are:
												 * fetcher.c sets it; NULL at
												 * first */
	struct pagetable_hash *pages;	/* KeyapiPage by number */
	KeyapiListingItems *items;	/* of all pages that are here; NULL if there
								 * is no page yet */

	/* how large its pages are */
	int			size;			/* by the rule above, as far as known */
	int			echoed;			/* largest limit that a page echoed which does
								 * not end the listing; 0: none did */
	int			most_before_end;	/* most items on such a page */
	int			most_items;		/* most items on any page */

	/* where it ends */
	int			end_page;		/* no page after this one; INT_MAX while
								 * unknown */
	int			last_page;		/* number of a page that has arrived, maybe
								 * not here yet, and seems to be the last;
								 * else INT_MAX.  Pages after it are not asked
								 * for ahead. */
	int64		total_count;	/* as last announced, or -1 */
	bool		total_is_wrong; /* a page has shown more than was announced */
	bool		has_more_seen;	/* a page said whether there is more */

	bool		gone;			/* neither items nor pages can be read ... */
	int			spilled;		/* ... of which so many had been spilled */

	/* which listing it is */
	bool		echo_seen;		/* an item said which listing it is of */
	bool		echo_matched;	/* ... and it was this one */
	KeyapiSlice other_echo;		/* what an item of another one said */
} KeyapiListingPages;

/*
 * The state of a listing of which nothing is known yet, in
 * CurrentMemoryContext.  The listing is copied, strings included.
 */
extern KeyapiListingPages *keyapi_listing_create(const KeyapiListing *listing);

/*
 * The page with this number (from 1), if it has arrived; else NULL.
 */
extern KeyapiPage *keyapi_listing_page(const KeyapiListingPages *listing_pages,
									   int number);

/*
 * How many pages have arrived; how many of them no pass has read, and how many have
 * been in a temporary file.
 */
extern int	keyapi_listing_num_pages(const KeyapiListingPages *listing_pages);
extern void keyapi_listing_count_pages(const KeyapiListingPages *listing_pages,
									   int *unread, int *spilled);

/*
 * Rank of the first item of a page, and number of the page that holds a rank
 * (from 1), by the page size of the moment.
 */
extern int64 keyapi_listing_first_rank(const KeyapiListingPages *listing_pages,
									   int number);
extern int	keyapi_listing_page_of_rank(const KeyapiListingPages *listing_pages,
										int64 rank);

/*
 * Whether the listing can have neither this page nor a later one.
 */
extern bool keyapi_listing_ends_before(const KeyapiListingPages *listing_pages,
									   int number);

/*
 * Number of the last page as far as pages have said or announced it, 0 if there
 * is none; INT_MAX if it is unknown.  A guess for read_ahead.c and views: only
 * keyapi_listing_ends_before is sure.
 */
extern int	keyapi_listing_announced_end(const KeyapiListingPages *listing_pages);

/*
 * Add a page that has arrived; there must be none with its number yet.  It is
 * kept; page->number, fetched_at, nrows and kept are set by the caller.  sent_after is how
 * many later pages have been asked for already.  Raises one WARNING if the
 * listing is empty, or if it ends before the total that it announced.
 */
extern void keyapi_listing_add_page(KeyapiListingPages *listing_pages,
									KeyapiPage *page, int sent_after);

/*
 * The pages will not be kept any longer: free what is known of their items.  Only the
 * functions that count pages may be called after this.
 */
extern void keyapi_listing_let_go(KeyapiListingPages *listing_pages);

/*
 * Whether the listing seems to end with this page, by what it says alone.  It must
 * be in memory.
 */
extern bool keyapi_listing_page_is_last(const KeyapiListing *listing,
										const KeyapiPage *page);

#endif							/* KEYAPI_LISTING_PAGES_H */
