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
 * ask for pages ahead, it yields none that might not exist, or that its rows might
 * not need; to know the price, it takes each list for a typical one.
 */
typedef struct Walk
{
	KeyapiPages *pages;
	bool		typical;		/* take lists of unknown length for typical */
	bool		by_rank;		/* pages come in rank order, not list by list */
	int64		limit;			/* rows that are read; -1: all */
	int			current;		/* list order: the list to look at; rank
								 * order: the one of the last page */
	int64		rows;			/* list order: rows before the current list */
	int		   *next;			/* of each list, number of the page to look
								 * at; 0: the list was not looked at yet */
	bool	   *unknown;		/* of each list, whether it has more pages */
} Walk;

bool
keyapi_pages_wants(const KeyapiPages *pages, const KeyapiListCursor *cursor,
				   int number)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;
	int64		first = keyapi_listing_first_rank(listing_pages, number);

	return keyapi_bound_wants(&pages->pass, cursor->number, number, first,
							  first + listing_pages->size - 1);
}

/*
 * Rank of the next row that the cursor may return.
 */
static int64
next_rank(const KeyapiPages *pages, const KeyapiListCursor *cursor)
{
	int			number = cursor->next_page;
	int			index = 0;

	if (cursor->page != NULL)
	{
		number = cursor->page->number;
		index = cursor->index;
	}
	return Max(keyapi_listing_first_rank(cursor->listing_pages, number) + index,
			   pages->pass.lo);
}

/*
 * The last page of the list that the pass can read; INT_MAX if neither the end
 * of the list nor that of the pass is known.
 */
static int
last_page(const Walk *walk, const KeyapiListCursor *cursor)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;
	int			end = keyapi_listing_announced_end(listing_pages);

	if (end == INT_MAX && walk->typical)
		end = Max(keyapi_listing_page_of_rank(listing_pages,
											  listing_pages->listing.endpoint->typical_rows),
				  cursor->next_page);
	end = Min(end, walk->pages->pass.last_page);
	return Min(end, keyapi_listing_page_of_rank(listing_pages,
												walk->pages->pass.hi));
}

/*
 * How many rows of the pass will be read, by its LIMIT and by what is asked of the
 * executor; -1: all.
 */
static int64
rows_to_read(const KeyapiPages *pages)
{
	if (pages->rows_left < 0 || pages->rows_asked < 0)
		return Max(pages->rows_left, pages->rows_asked);
	return Min(pages->rows_left, pages->rows_asked);
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
	walk->limit = rows_to_read(pages);
	walk->current = pages->pass.rank_major ? 0 : pages->current;
	walk->next = palloc0(sizeof(int) * nlists);
	walk->unknown = palloc0(sizeof(bool) * nlists);
	return walk;
}

static void
end_walk(Walk *walk)
{
	pfree(walk->next);
	pfree(walk->unknown);
	pfree(walk);
}

/*
 * Move to the first missing page of the list at or after walk->next[list]; false
 * if there is none, or none that surely exists.
 */
static bool
find_missing(Walk *walk, int list)
{
	const KeyapiPages *pages = walk->pages;
	const KeyapiListCursor *cursor = &pages->cursors[list];
	const KeyapiListingPages *listing_pages = cursor->listing_pages;
	int			end = last_page(walk, cursor);
	int			skipped = 0;

	if (walk->next[list] == 0)
		walk->next[list] = keyapi_listing_page_of_rank(listing_pages,
													   next_rank(pages, cursor));
	while (!walk->unknown[list] && walk->next[list] <= end &&
		   !keyapi_listing_ends_before(listing_pages, walk->next[list]))
	{
		int			number = walk->next[list];

		CHECK_FOR_INTERRUPTS(); /* a page may have any number of ranks to try */
		if (keyapi_listing_page(listing_pages, number) == NULL)
		{
			if (keyapi_fetch_pending(pages->fetcher, listing_pages, number) ||
				keyapi_pages_wants(pages, cursor, number))
				return true;
			if (++skipped > KEYAPI_MAX_SKIPS || number == INT_MAX)
				return false;
		}
		walk->next[list]++;
	}
	return false;
}

/*
 * The page that find_missing found is done with.
 */
static void
step_over(Walk *walk, int list)
{
	/* only what it says can tell whether there is another one */
	if (!walk->typical &&
		keyapi_listing_announced_end(walk->pages->cursors[list].listing_pages) == INT_MAX)
		walk->unknown[list] = true;
	walk->next[list]++;
}

/*
 * Whether a page is read that has at most this many rows before it.
 */
static bool
within_rows(const Walk *walk, int64 rows_before)
{
	return walk->limit < 0 || rows_before < walk->limit;
}

/*
 * Rows that the cursor may return up to the end of this page.
 */
static int64
rows_to_page(const KeyapiPages *pages, const KeyapiListCursor *cursor, int number)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;
	int64		end = keyapi_listing_first_rank(listing_pages, number + 1);

	if (listing_pages->total_count >= 0 && !listing_pages->total_is_wrong)
		end = Min(end, listing_pages->total_count + 1);
	return Max(end - next_rank(pages, cursor), 0);
}

static bool
next_in_list_order(Walk *walk, KeyapiListCursor **cursor, int *number)
{
	KeyapiPages *pages = walk->pages;

	for (; walk->current < pages->pass.nlists; walk->current++)
	{
		int			list = walk->current;
		int			end;

		*cursor = &pages->cursors[list];
		if (find_missing(walk, list))
		{
			*number = walk->next[list];
			step_over(walk, list);
			return within_rows(walk, walk->rows +
							   rows_to_page(pages, *cursor, *number - 1));
		}
		if (walk->limit < 0)
			continue;
		end = last_page(walk, *cursor);
		if (end == INT_MAX)
			return false;		/* it may have all the rows */
		walk->rows += rows_to_page(pages, *cursor, end);
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
		int64		first;

		if (!find_missing(walk, i))
			continue;
		first = keyapi_listing_first_rank(pages->cursors[i].listing_pages,
										  walk->next[i]);
		if (first >= lowest)
			continue;
		lowest = first;
		walk->current = i;
		*number = walk->next[i];
	}
	if (lowest == PG_INT64_MAX)
		return false;
	*cursor = &pages->cursors[walk->current];
	step_over(walk, walk->current);
	return within_rows(walk, (lowest - pages->rank) * pages->pass.nlists +
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
	return Max(FIRST_BATCH * concurrency,
			   Min(LARGEST_BATCH * concurrency, pages->ramp));
}

int
keyapi_pages_ask_ahead(KeyapiPages *pages, int window)
{
	Walk	   *walk = begin_walk(pages, false);
	KeyapiListCursor *cursor;
	int			number;

	while (window > 0 && walk_on(walk, &cursor, &number))
	{
		keyapi_fetch_ahead(pages->fetcher, cursor->listing_pages, number);
		window--;
	}
	end_walk(walk);
	return window;
}

bool
keyapi_pages_ask_later(KeyapiPages *later, int *window)
{
	Walk	   *walk = begin_walk(later, false);
	bool		missing = false;
	KeyapiListCursor *cursor;
	int			number;

	while (*window > 0 && walk_on(walk, &cursor, &number))
	{
		missing = true;
		if (keyapi_fetch_pending(later->fetcher, cursor->listing_pages, number))
			continue;
		keyapi_fetch_ahead(later->fetcher, cursor->listing_pages, number);
		(*window)--;
	}
	end_walk(walk);
	return missing;
}

void
keyapi_pages_look_ahead(KeyapiPages *pages)
{
	int			window = window_size(pages);

	if (window == 0)
		return;
	(void) keyapi_pages_ask_ahead(pages, window);
	window -= keyapi_fetcher_num_ahead(pages->fetcher);
	if (window > 0 && pages->look_beyond != NULL &&
		pages->demand >= KEYAPI_READS_ALL)
		pages->look_beyond(pages->beyond_arg, window);
}

/*
 * Look at all lists of the pass in the cache: it drops none that the statement has
 * looked at to make room for its others.
 */
static void
claim_lists(KeyapiPages *pages)
{
	for (int i = 0; i < pages->pass.nlists; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) keyapi_fetch_is_free(pages->fetcher,
									pages->cursors[i].listing_pages, 1);
	}
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
	if (keyapi_fetcher_affords(pages->fetcher,
							   pages->pass.lists[0].endpoint) == PG_INT64_MAX)
	{
		claim_lists(pages);
		pages->price_checked = true;
		return;
	}
	walk = begin_walk(pages, true);
	while (walk_on(walk, &cursor, &number))
		requests += !keyapi_fetch_is_free(pages->fetcher, cursor->listing_pages, number);
	end_walk(walk);
	keyapi_fetcher_check_budget(pages->fetcher,
								pages->cursors[0].listing_pages->listing.endpoint,
								requests, pages->pass.nlists);
	pages->price_checked = true;
}
