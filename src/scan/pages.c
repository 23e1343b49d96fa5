/*-------------------------------------------------------------------------
 *
 * pages.c
 *	  Page iterator: which row is next, and which page it needs.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/pages.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "api/failure.h"
#include "scan/pages_state.h"
#include "scan/read_ahead.h"

/* More pages than are ever asked for ahead. */
#define MAX_RAMP 1024

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

	if (entry == NULL)
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
 * Tell others how far the pass is.
 */
static void
report_progress(KeyapiPages *pages)
{
	KeyapiProgress progress = {.lists_total = pages->pass.nlists};

	for (int i = 0; i < pages->pass.nlists; i++)
	{
		const KeyapiListCursor *cursor = &pages->cursors[i];
		const KeyapiListingPages *listing_pages = cursor->listing_pages;
		int64		end = listing_pages->end_rank;	/* then, rows of the list */

		end = end != PG_INT64_MAX ? end - 1 : listing_pages->total_count;
		progress.lists_done += keyapi_listing_ends_before(listing_pages,
														  cursor->next_rank);
		progress.pages_done += list_length(listing_pages->pages);
		if (end < 0 || progress.pages_total < 0)
			progress.pages_total = -1;
		else
			progress.pages_total += (end + listing_pages->limit - 1) / listing_pages->limit;
	}
	keyapi_fetcher_report(pages->fetcher, &progress);
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
	report_progress(pages);
	(void) keyapi_fetch_page(pages->fetcher, cursor->listing_pages, number);
}

/*
 * The page of this pass that holds cursor->next_rank or ranks after it, asking
 * for it if it is not there; NULL at the end of the list or of the pass's ranks.
 */
static KeyapiPage *
next_page(KeyapiPages *pages, KeyapiListCursor *cursor)
{
	KeyapiListingPages *listing_pages = cursor->listing_pages;
	int			skipped = 0;

	count_rows(pages);
	while (cursor->next_rank <= pages->pass.hi &&
		   !keyapi_listing_ends_before(listing_pages, cursor->next_rank))
	{
		KeyapiPage *page = keyapi_listing_page_at(listing_pages, cursor->next_rank);
		int			number = keyapi_listing_page_number(listing_pages, cursor->next_rank);

		CHECK_FOR_INTERRUPTS();
		if (page != NULL)
			return page;
		if (keyapi_pages_wants(pages, cursor, number) ||
			++skipped > KEYAPI_MAX_BLIND_SKIPS)
		{
			skipped = 0;
			/* its ranks may not be those expected: look again */
			get_page(pages, cursor, number);
		}
		else
			cursor->next_rank = (int64) number * listing_pages->limit + 1;
	}
	return NULL;
}

/*
 * The row at the cursor, without moving it; false at the end of its list.
 */
static bool
peek_row(KeyapiPages *pages, KeyapiListCursor *cursor, KeyapiRow *row)
{
	for (;;)
	{
		KeyapiPage *page = cursor->page;
		int64		index;

		if (page == NULL || cursor->next_rank >= page->end_rank)
		{
			if (page != NULL)
				pages->ramp = Min(pages->ramp * 2, MAX_RAMP);
			page = cursor->page = next_page(pages, cursor);
			if (page == NULL)
				return false;
			page->pass = pages->pass_number;
		}
		index = cursor->next_rank - page->first_rank;
		if (index >= page->data.nitems)
		{
			cursor->next_rank = page->end_rank;
			continue;
		}
		row->list = &cursor->listing_pages->listing;
		row->page = page;
		row->item = &page->data.items[index];
		row->rank = cursor->next_rank;
		if (!keyapi_listing_is_duplicate(cursor->listing_pages, row->item, row->rank,
										 pages->pass_number))
			return true;
		pages->duplicates++;
		cursor->next_rank++;
	}
}

/* ---------------------------------------------------------------------
 * Reading all lists
 * ---------------------------------------------------------------------
 */

KeyapiPages *
keyapi_pages_create(Oid relid, Oid userid,
					const char *const *paths, int npaths)
{
	KeyapiPages *pages = palloc0(sizeof(KeyapiPages));

	pages->context = CurrentMemoryContext;
	pages->fetcher = keyapi_fetcher_create(relid, userid, paths, npaths);
	pages->lists = listtable_create(CurrentMemoryContext, 16, NULL);
	pages->pass_context = AllocSetContextCreate(CurrentMemoryContext,
												"keyapi_fdw pass",
												ALLOCSET_SMALL_SIZES);
	pages->ramp = 1;
	return pages;
}

void
keyapi_pages_rewind(KeyapiPages *pages, const KeyapiBound *bound)
{
	MemoryContext oldcontext;

	keyapi_fetch_forget(pages->fetcher);
	MemoryContextReset(pages->pass_context);
	oldcontext = MemoryContextSwitchTo(pages->pass_context);
	pages->pass = *bound;
	pages->pass_number++;
	pages->rows_left = bound->max_rows;
	pages->price_checked = false;
	pages->cursors = palloc0(sizeof(KeyapiListCursor) * Max(bound->nlists, 1));
	for (int i = 0; i < bound->nlists; i++)
	{
		KeyapiListCursor *cursor = &pages->cursors[i];

		cursor->listing_pages = find_list(pages, &bound->lists[i]);
		cursor->number = i;
		cursor->next_rank = bound->lo;
	}
	pages->current = 0;
	pages->rank = bound->lo;
	pages->round_had_row = false;
	MemoryContextSwitchTo(oldcontext);
}

static bool
next_in_list_order(KeyapiPages *pages, KeyapiRow *row)
{
	for (; pages->current < pages->pass.nlists; pages->current++)
	{
		KeyapiListCursor *cursor = &pages->cursors[pages->current];

		if (peek_row(pages, cursor, row))
		{
			cursor->next_rank++;
			return true;
		}
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
				cursor->next_rank++;
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
keyapi_pages_next(KeyapiPages *pages, KeyapiDemand demand, KeyapiRow *row)
{
	bool		found;

	pages->demand = demand;
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
		requests += !keyapi_fetch_is_free(pages->fetcher,
										  find_list(pages, &lists[i]), 1);
	}
	if (requests > 0)
		keyapi_fetcher_check_budget(pages->fetcher, lists[0].endpoint, requests,
									nlists);
}

const KeyapiPage *
keyapi_pages_first_page(KeyapiPages *pages, const KeyapiListing *list)
{
	KeyapiListingPages *listing_pages = find_list(pages, list);
	KeyapiPage *page = keyapi_listing_page_at(listing_pages, 1);

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

		if (!listing_pages->echo_seen || listing_pages->echo_matched)
			continue;
		ereport(WARNING,
				(errmsg("the API may have answered another list than %s",
						entry->key),
				 errdetail("No %s that was read carries the %s asked for in %s; one carries \"%s\".",
						   listing_pages->listing.endpoint->item,
						   listing_pages->listing.endpoint->echo_param,
						   listing_pages->listing.endpoint->echo_field,
						   keyapi_quotable(listing_pages->other_echo))));
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
		ListCell   *lc;

		bill->lists += entry->listing_pages->pages != NIL;
		foreach(lc, entry->listing_pages->pages)
			bill->unread_pages += ((KeyapiPage *) lfirst(lc))->pass == 0;
	}
	return bill;
}
