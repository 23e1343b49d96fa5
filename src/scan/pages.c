/*-------------------------------------------------------------------------
 *
 * pages.c
 *	  Page iterator: which row is next, and which page it needs.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/pages.h"

#include <limits.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "api/failure.h"
#include "scan/pages_report.h"
#include "scan/pages_state.h"
#include "scan/price.h"
#include "scan/read_ahead.h"

/* More pages than are ever asked for ahead. */
#define MAX_RAMP 1024

/* Lists of another scan that are opened ahead of its turn, at most. */
#define MAX_LISTS_AHEAD 1024

/* The lists that the iterator has met, by keyapi_listing_key. */
typedef struct ListEntry
{
	const char *key;
	KeyapiListingPages *listing_pages;
	char		status;			/* simplehash's own */
} ListEntry;

#define SH_PREFIX listtable
#define SH_ELEMENT_TYPE ListEntry
#define SH_KEY_TYPE const char *
#define SH_KEY key
#define SH_HASH_KEY(tb, key) \
	hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* ---------------------------------------------------------------------
 * Reading one list
 * ---------------------------------------------------------------------
 */

static KeyapiListingPages *
find_list(KeyapiPages *pages, const KeyapiListing *list)
{
	/* in the caller's memory: every rescan looks its lists up again */
	char	   *key = keyapi_listing_key(list);
	ListEntry  *entry = listtable_lookup(pages->lists, key);

	if (entry == NULL || entry->listing_pages->gone)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(pages->context);
		KeyapiListingPages *listing_pages = keyapi_listing_create(list);
		bool		found;

		entry = listtable_insert(pages->lists, pstrdup(key), &found);
		entry->listing_pages = listing_pages;
		MemoryContextSwitchTo(oldcontext);
	}
	pfree(key);
	return entry->listing_pages;
}

/*
 * Count the rows that were returned since this was called last: not one by
 * one, because that takes a lock.
 */
static void
count_rows(KeyapiPages *pages)
{
	keyapi_fetcher_count_rows(pages->fetcher, pages->rows_uncounted);
	pages->rows_uncounted = 0;
}

/*
 * Get a page that the cursor needs; and those ahead that will be needed too,
 * many at a time rather than one with each page that is read.
 */
static void
get_page(KeyapiPages *pages, KeyapiListCursor *cursor, int number)
{
	keyapi_pages_check_price(pages);
	if (!keyapi_fetch_pending(pages->fetcher, cursor->listing_pages, number))
		keyapi_pages_look_ahead(pages);
	keyapi_pages_report(pages);
	(void) keyapi_fetch_page(pages->fetcher, cursor->listing_pages, number);
}

/*
 * The first page that the cursor may still read, by the page size of the moment.
 */
static int
first_candidate(const KeyapiPages *pages, const KeyapiListCursor *cursor)
{
	return Max(cursor->next_page,
			   keyapi_listing_page_of_rank(cursor->listing_pages,
										   pages->pass.lo));
}

/*
 * The next page for the cursor to read, asking for it if it is not there; NULL
 * at the end of the list or of the pass's ranks.
 *
 * A page that the pass does not want is not read even if it is there: which rows
 * count as duplicates must not depend on which pages were asked for ahead.
 */
static KeyapiPage *
next_page(KeyapiPages *pages, KeyapiListCursor *cursor)
{
	KeyapiListingPages *listing_pages = cursor->listing_pages;
	int			number = first_candidate(pages, cursor);
	int			skipped = 0;

	count_rows(pages);
	while (number <= pages->pass.last_page &&
		   keyapi_listing_first_rank(listing_pages, number) <= pages->pass.hi &&
		   !keyapi_listing_ends_before(listing_pages, number))
	{
		KeyapiPage *page = keyapi_listing_page(listing_pages, number);

		CHECK_FOR_INTERRUPTS();
		if (!keyapi_pages_wants(pages, cursor, number))
		{
			if (++skipped > KEYAPI_MAX_SKIPS || number == INT_MAX)
				break;
			number++;
			continue;
		}
		if (page != NULL)
			return page;
		get_page(pages, cursor, number);

		/* it may have shown that pages are larger or smaller than expected */
		number = first_candidate(pages, cursor);
		skipped = 0;
	}
	return NULL;
}

/*
 * Turn to the next page; false if there is none.
 */
static bool
turn_page(KeyapiPages *pages, KeyapiListCursor *cursor)
{
	KeyapiPage *page = cursor->page;

	if (cursor->done)
		return false;
	if (page != NULL)
	{
		pages->ramp = Min(pages->ramp * 2, MAX_RAMP);
		cursor->next_page = page->number + 1;
	}
	page = cursor->page = next_page(pages, cursor);
	if (page == NULL)
	{
		cursor->done = true;
		return false;
	}
	page->pass = pages->pass_number;
	cursor->index = (int) Max(pages->pass.lo -
							  keyapi_listing_first_rank(cursor->listing_pages,
														page->number), 0);
	return true;
}

/*
 * The row at the cursor, without moving it; false at the end of its list.
 */
static bool
peek_row(KeyapiPages *pages, KeyapiListCursor *cursor, KeyapiRow *row)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;

	for (;;)
	{
		const KeyapiPage *page = cursor->page;

		if (page == NULL || cursor->index >= page->nrows)
		{
			if (!turn_page(pages, cursor))
				return false;
			continue;
		}
		row->list = &listing_pages->listing;
		row->page = page;
		row->index = cursor->index;
		row->rank = keyapi_listing_first_rank(listing_pages, page->number) +
			cursor->index;
		if (!keyapi_listing_items_repeats(listing_pages->items, page, cursor->index,
										  pages->pass_number))
			return row->rank <= pages->pass.hi;
		pages->duplicates++;
		cursor->index++;
	}
}

/* ---------------------------------------------------------------------
 * Reading all lists
 * ---------------------------------------------------------------------
 */

KeyapiPages *
keyapi_pages_create(Oid relid, Oid userid, const KeyapiTableOptions *options)
{
	KeyapiPages *pages = palloc0(sizeof(KeyapiPages));

	pages->context = CurrentMemoryContext;
	pages->fetcher = keyapi_fetcher_create(relid, userid, options);
	pages->lists = listtable_create(CurrentMemoryContext, 16, NULL);
	pages->pass_context = AllocSetContextCreate(CurrentMemoryContext,
												"keyapi_fdw pass",
												ALLOCSET_SMALL_SIZES);
	pages->ramp = 1;
	return pages;
}

void
keyapi_pages_set_beyond(KeyapiPages *pages,
						void (*look_beyond) (void *arg, int window), void *arg)
{
	pages->look_beyond = look_beyond;
	pages->beyond_arg = arg;
}

bool
keyapi_pages_same_account(const KeyapiPages *pages, const KeyapiPages *other)
{
	return keyapi_fetchers_are_one_group(pages->fetcher, other->fetcher);
}

/*
 * Stand before the first row of a pass.
 */
static void
set_pass(KeyapiPages *pages, const KeyapiBound *bound)
{
	pages->pass = *bound;
	pages->rows_left = bound->max_rows;
	pages->price_checked = false;
	pages->unreported = 0;
	pages->cursors = NULL;
	pages->current = 0;
	pages->rank = bound->lo;
	pages->round_had_row = false;
}

void
keyapi_pages_rewind(KeyapiPages *pages, const KeyapiBound *bound)
{
	MemoryContext oldcontext;

	if (pages->later_sure)
		keyapi_fetch_forget_ended(pages->fetcher);
	else
		keyapi_fetch_forget(pages->fetcher);
	MemoryContextReset(pages->pass_context);
	oldcontext = MemoryContextSwitchTo(pages->pass_context);
	pages->pass_number++;
	set_pass(pages, bound);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Place a cursor at the beginning of each list.
 */
static void
make_cursors(KeyapiPages *pages)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(pages->pass_context);
	int			nlists = pages->pass.nlists;

	pages->cursors = palloc0(sizeof(KeyapiListCursor) * Max(nlists, 1));
	for (int i = 0; i < nlists; i++)
	{
		KeyapiListCursor *cursor = &pages->cursors[i];

		CHECK_FOR_INTERRUPTS();
		cursor->listing_pages = find_list(pages, &pages->pass.lists[i]);
		cursor->number = i;
		cursor->next_page = 1;
	}
	MemoryContextSwitchTo(oldcontext);
}

int
keyapi_pages_ask_for_other(KeyapiPages *pages, int window)
{
	if (pages->cursors == NULL)
	{
		/* whether it may read so many is checked when its turn comes */
		if (pages->pass.nlists > MAX_LISTS_AHEAD)
			return window;
		make_cursors(pages);
	}
	pages->demand = KEYAPI_READS_ALL;
	pages->rows_asked = -1;
	keyapi_fetcher_lend(pages->fetcher);
	return keyapi_pages_ask_ahead(pages, window);
}

KeyapiPages *
keyapi_pages_later(KeyapiPages *pages, const KeyapiBound *bound)
{
	KeyapiPages *later = palloc0(sizeof(KeyapiPages));

	later->context = pages->context;
	later->fetcher = pages->fetcher;
	later->lists = pages->lists;
	later->demand = KEYAPI_READS_ALL;
	later->rows_asked = -1;
	later->pass_context = CurrentMemoryContext;
	set_pass(later, bound);
	make_cursors(later);
	return later;
}

void
keyapi_pages_expect_later(KeyapiPages *pages, bool expect)
{
	pages->later_sure = expect;
}

void
keyapi_pages_read_once(KeyapiPages *pages, bool once)
{
	pages->read_once = once;
}

static bool
next_in_list_order(KeyapiPages *pages, KeyapiRow *row)
{
	for (; pages->current < pages->pass.nlists; pages->current++)
	{
		KeyapiListCursor *cursor = &pages->cursors[pages->current];

		if (peek_row(pages, cursor, row))
		{
			cursor->index++;
			return true;
		}
		if (pages->read_once)
			keyapi_fetch_let_go(cursor->listing_pages);
	}
	return false;
}

/*
 * The lowest rank that any list still has, or PG_INT64_MAX.
 */
static int64
lowest_rank(KeyapiPages *pages)
{
	int64		lowest = PG_INT64_MAX;
	KeyapiRow	row;

	for (int i = 0; i < pages->pass.nlists; i++)
	{
		if (peek_row(pages, &pages->cursors[i], &row))
			lowest = Min(lowest, row.rank);
	}
	return lowest;
}

/*
 * Rounds over the lists, each for one rank.  A list is opened when its turn
 * comes, not before: the consumer may stop.
 */
static bool
next_in_rank_order(KeyapiPages *pages, KeyapiRow *row)
{
	for (;;)
	{
		while (pages->current < pages->pass.nlists)
		{
			KeyapiListCursor *cursor = &pages->cursors[pages->current++];

			if (peek_row(pages, cursor, row) && row->rank == pages->rank)
			{
				cursor->index++;
				pages->round_had_row = true;
				return true;
			}
		}
		pages->rank = pages->round_had_row ? pages->rank + 1 :
			lowest_rank(pages);
		if (pages->rank == PG_INT64_MAX)
			return false;
		pages->current = 0;
		pages->round_had_row = false;
	}
}

bool
keyapi_pages_next(KeyapiPages *pages, KeyapiDemand demand, int64 rows,
				  KeyapiRow *row)
{
	bool		found;

	pages->demand = demand;
	pages->rows_asked = rows;
	if (pages->cursors == NULL)
	{
		keyapi_price_check_number(pages);
		make_cursors(pages);
	}
	found = pages->pass.rank_major ? next_in_rank_order(pages, row) :
		next_in_list_order(pages, row);
	pages->rows_uncounted += found;
	if (found && pages->rows_left > 0)
		pages->rows_left--;
	return found;
}

void
keyapi_pages_check_first_pages(KeyapiPages *pages, const KeyapiListing *lists,
							   int nlists)
{
	int64		requests = 0;

	for (int i = 0; i < nlists; i++)
	{
		CHECK_FOR_INTERRUPTS();
		requests += !keyapi_fetch_would_be_free(pages->fetcher, &lists[i], 1);
	}
	if (requests > 0)
		keyapi_fetcher_check_budget(pages->fetcher, lists[0].endpoint, requests,
									nlists);
}

const KeyapiPage *
keyapi_pages_first_page(KeyapiPages *pages, const KeyapiListing *list)
{
	KeyapiListingPages *listing_pages = find_list(pages, list);
	KeyapiPage *page = keyapi_listing_page(listing_pages, 1);

	return page != NULL ? page : keyapi_fetch_page(pages->fetcher, listing_pages, 1);
}

/* ---------------------------------------------------------------------
 * Closing
 * ---------------------------------------------------------------------
 */

void
keyapi_pages_finish(KeyapiPages *pages)
{
	listtable_iterator iterator;
	ListEntry  *entry;

	count_rows(pages);
	listtable_start_iterate(pages->lists, &iterator);
	while ((entry = listtable_iterate(pages->lists, &iterator)) != NULL)
	{
		const KeyapiListingPages *listing_pages = entry->listing_pages;
		KeyapiSlice other = listing_pages->other_echo;

		if (!listing_pages->echo_seen || listing_pages->echo_matched)
			continue;
		ereport(WARNING,
				(errmsg("the API may have answered another list than %s",
						entry->key),
				 errdetail("No %s that was read carries the %s asked for in %s; one carries \"%s\".",
						   listing_pages->listing.endpoint->item,
						   listing_pages->listing.endpoint->echo_param,
						   listing_pages->listing.endpoint->echo_field,
						   keyapi_quotable(pnstrdup(other.data, other.len)))));
		return;
	}
}

KeyapiBill *
keyapi_pages_bill(KeyapiPages *pages)
{
	KeyapiBill *bill = palloc0(sizeof(KeyapiBill));
	listtable_iterator iterator;
	ListEntry  *entry;

	bill->cost = *keyapi_fetcher_cost(pages->fetcher);
	bill->unread_pages = keyapi_fetcher_unread(pages->fetcher);
	bill->duplicates = pages->duplicates;
	listtable_start_iterate(pages->lists, &iterator);
	while ((entry = listtable_iterate(pages->lists, &iterator)) != NULL)
	{
		int			unread;
		int			spilled;

		bill->lists += keyapi_listing_num_pages(entry->listing_pages) > 0;
		keyapi_listing_count_pages(entry->listing_pages, &unread, &spilled);
		bill->unread_pages += unread;
		bill->spilled_pages += spilled;
	}
	return bill;
}
