/*-------------------------------------------------------------------------
 *
 * read_ahead.c
 *	  Which pages a pass will need: to ask for them ahead, and to know what they
 *	  cost before the first is asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/read_ahead.h"

#include <limits.h>

#include "miscadmin.h"

/*
 * Pages asked for at a time, for each request that may be in flight, where all
 * will be read: few at first, because a list may end before it says so; then
 * many, because at the end of each batch the network waits for its last page.
 */
#define FIRST_BATCH 2
#define LARGEST_BATCH 8

/*
 * A walk over the pages that are missing for the rest of a pass, in the order
 * in which they will be read.
 *
 * It is pessimistic or optimistic where a list's length is not known yet.  To
 * ask for pages ahead, it yields none that might not exist, or that rows_left
 * might not need; to know the price, it takes each list for a typical one.
 */
typedef struct Walk
{
	KeyapiPages *pages;
	bool		typical;		/* take lists of unknown length for typical */
	bool		by_rank;		/* pages come in rank order, not list by list */
	int			current;		/* list order: the list to look at; rank
								 * order: the one of the last page */
	int64		rows;			/* list order: rows before the current list */
	int64	   *ranks;			/* of each list, where to look */
	bool	   *unknown;		/* of each list, whether it has more pages */
} Walk;

bool
keyapi_pages_wants(const KeyapiPages *pages, const KeyapiListCursor *cursor,
				   int number)
{
	int			limit = cursor->listing_pages->limit;
	int64		first = (int64) (number - 1) * limit + 1;

	return keyapi_bound_wants(&pages->pass, cursor->number, number, first,
							  first + limit - 1);
}

/*
 * Last rank of the list, as far as that is known; else PG_INT64_MAX.
 */
static int64
known_end(const Walk *walk, const KeyapiListCursor *cursor)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;

	if (listing_pages->end_rank != PG_INT64_MAX)
		return listing_pages->end_rank - 1;
	if (listing_pages->last_page != INT_MAX)
		return (int64) listing_pages->last_page * listing_pages->limit;
	if (listing_pages->total_count >= 0)
		return listing_pages->total_count;
	if (walk->typical)
		return Max(listing_pages->listing.endpoint->typical_rows, cursor->next_rank);
	return PG_INT64_MAX;
}

/*
 * Last rank of the list that the pass can read; PG_INT64_MAX if neither is
 * known.
 */
static int64
last_rank(const Walk *walk, const KeyapiListCursor *cursor)
{
	return Min(known_end(walk, cursor), walk->pages->pass.hi);
}

static Walk *
begin_walk(KeyapiPages *pages, bool typical)
{
	int			nlists = pages->pass.nlists;
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->pages = pages;
	walk->typical = typical;
	/* for the price of all rows any order will do: take the cheaper one */
	walk->by_rank = pages->pass.rank_major &&
		(!typical || pages->rows_left >= 0);
	walk->current = pages->pass.rank_major ? 0 : pages->current;
	walk->ranks = palloc(sizeof(int64) * nlists);
	walk->unknown = palloc0(sizeof(bool) * nlists);
	for (int i = 0; i < nlists; i++)
		walk->ranks[i] = pages->cursors[i].next_rank;
	return walk;
}

static void
end_walk(Walk *walk)
{
	pfree(walk->ranks);
	pfree(walk->unknown);
	pfree(walk);
}

/*
 * Move to the first missing page of the list at or after walk->ranks[list];
 * false if there is none, or none that surely exists.
 */
static bool
find_missing(Walk *walk, int list, int *number)
{
	const KeyapiPages *pages = walk->pages;
	const KeyapiListCursor *cursor = &pages->cursors[list];
	const KeyapiListingPages *listing_pages = cursor->listing_pages;
	int64		end = last_rank(walk, cursor);
	int			skipped = 0;

	while (!walk->unknown[list] && walk->ranks[list] <= end &&
		   !keyapi_listing_ends_before(listing_pages, walk->ranks[list]))
	{
		int64	   *rank = &walk->ranks[list];
		const KeyapiPage *page = keyapi_listing_page_at(listing_pages, *rank);

		CHECK_FOR_INTERRUPTS(); /* a page may have any number of ranks to try */
		*number = keyapi_listing_page_number(listing_pages, *rank);
		if (page != NULL)
			*rank = page->end_rank;
		else if (keyapi_fetch_pending(pages->fetcher, listing_pages, *number) ||
				 keyapi_pages_wants(pages, cursor, *number))
			return true;
		else if (++skipped > KEYAPI_MAX_BLIND_SKIPS)
			break;
		else
			*rank = (int64) *number * listing_pages->limit + 1;
	}
	return false;
}

/*
 * The page that find_missing found is done with.
 */
static void
step_over(Walk *walk, int list, int number)
{
	const KeyapiListCursor *cursor = &walk->pages->cursors[list];

	/* only what it says can tell whether there is another one */
	if (last_rank(walk, cursor) == PG_INT64_MAX ||
		(cursor->listing_pages->total_count < 0 && !walk->typical))
		walk->unknown[list] = true;
	walk->ranks[list] = (int64) number * cursor->listing_pages->limit + 1;
}

/*
 * Whether rows_left reaches a page that has at most this many rows before it.
 */
static bool
within_rows(const KeyapiPages *pages, int64 rows_before)
{
	return pages->rows_left < 0 || rows_before < pages->rows_left;
}

static bool
next_in_list_order(Walk *walk, KeyapiListCursor **cursor, int *number)
{
	KeyapiPages *pages = walk->pages;

	for (; walk->current < pages->pass.nlists; walk->current++)
	{
		int			list = walk->current;
		int64		end;

		*cursor = &pages->cursors[list];
		if (find_missing(walk, list, number))
		{
			int64		first = (int64) (*number - 1) * (*cursor)->listing_pages->limit + 1;
			int64		rows = Max(first - (*cursor)->next_rank, 0);

			step_over(walk, list, *number);
			return within_rows(pages, walk->rows + rows);
		}
		end = last_rank(walk, *cursor);
		if (pages->rows_left >= 0 && end == PG_INT64_MAX)
			return false;		/* it may have all the rows */
		walk->rows += Max(end - (*cursor)->next_rank + 1, 0);
	}
	return false;
}

static bool
next_in_rank_order(Walk *walk, KeyapiListCursor **cursor, int *number)
{
	KeyapiPages *pages = walk->pages;
	int64		lowest = PG_INT64_MAX;

	for (int i = 0; i < pages->pass.nlists; i++)
	{
		int			n;

		/* at rank walk->ranks[i]: what came before has been read */
		if (!find_missing(walk, i, &n) || walk->ranks[i] >= lowest)
			continue;
		lowest = walk->ranks[i];
		walk->current = i;
		*number = n;
	}
	if (lowest == PG_INT64_MAX)
		return false;
	*cursor = &pages->cursors[walk->current];
	step_over(walk, walk->current, *number);
	return within_rows(pages, (lowest - pages->rank) * pages->pass.nlists +
					   walk->current);
}

/*
 * The next missing page, or false if there is none.
 */
static bool
walk_on(Walk *walk, KeyapiListCursor **cursor, int *number)
{
	CHECK_FOR_INTERRUPTS();		/* of many lists there are many pages */
	return walk->by_rank ?
		next_in_rank_order(walk, cursor, number) :
		next_in_list_order(walk, cursor, number);
}

/*
 * How many pages may have been asked for and not be read.
 */
static int
window_size(KeyapiPages *pages)
{
	int			concurrency;

	/* whether key and API work is tried with one page */
	if (pages->demand == KEYAPI_READS_SOME ||
		!keyapi_fetcher_works(pages->fetcher))
		return 0;
	concurrency = keyapi_fetcher_concurrency(pages->fetcher);
	if (concurrency == 1)
		return 0;
	if (pages->demand == KEYAPI_READS_MOST)
		return Min(concurrency, pages->ramp);
	return Max(FIRST_BATCH * concurrency,
			   Min(LARGEST_BATCH * concurrency, pages->ramp));
}

void
keyapi_pages_look_ahead(KeyapiPages *pages)
{
	int			window = window_size(pages);
	KeyapiListCursor *cursor;
	int			number;
	Walk	   *walk;

	if (window == 0)
		return;
	walk = begin_walk(pages, false);
	while (window-- > 0 && walk_on(walk, &cursor, &number))
		keyapi_fetch_ahead(pages->fetcher, cursor->listing_pages, number);
	end_walk(walk);
}

void
keyapi_pages_check_price(KeyapiPages *pages)
{
	int64		requests = 0;
	KeyapiListCursor *cursor;
	int			number;
	Walk	   *walk;

	if (pages->price_checked || pages->demand != KEYAPI_READS_ALL)
		return;
	walk = begin_walk(pages, true);
	while (walk_on(walk, &cursor, &number))
		requests += !keyapi_fetch_is_free(pages->fetcher, cursor->listing_pages, number);
	end_walk(walk);
	keyapi_fetcher_check_budget(pages->fetcher,
								pages->cursors[0].listing_pages->listing.endpoint,
								requests, pages->pass.nlists);
	pages->price_checked = true;
}
