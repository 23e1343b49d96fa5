/*-------------------------------------------------------------------------
 *
 * pages_report.c
 *	  How far a pass is, for keyapi_fdw_progress.
 *
 * This is for people to look at: it may be wrong by the pages that duplicates
 * cost under a LIMIT, and behind by 1 or 2 % of the pages where there are many lists.
 * It is asked for with each page, so what it finds out about a list is kept with the
 * list's cursor.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/pages_report.h"

#include <limits.h>

#include "scan/read_ahead.h"

/*
 * How many pages are looked at one by one, whether the pass wants them: as many as
 * are skipped at most.
 */
#define MAX_LOOKED_AT KEYAPI_MAX_SKIPS

/*
 * How many lists are looked at for each page, on average: all lists for each page
 * would take long if there are many.
 */
#define LISTS_PER_PAGE 64

/*
 * The highest rank of the list that the pass needs, if the lists before it have so
 * many rows: by its conditions, and by the LIMIT.
 */
static int64
highest_rank(const KeyapiPages *pages, int list, int64 rows_before)
{
	const KeyapiBound *pass = &pages->pass;
	int64		rows = Min(pass->max_rows, PG_INT32_MAX);

	if (pass->max_rows < 0)
		return pass->hi;

	/* in rounds, the first lists have one more than the last ones */
	if (pass->rank_major)
		rows = (rows - list + pass->nlists - 1) / pass->nlists;
	else
		rows -= rows_before;
	return Min(pass->lo + Max(rows, 0) - 1, pass->hi);
}

/*
 * The last page that the pass may read of the list, INT_MAX if that is not known.
 */
static int
last_page(const KeyapiPages *pages, const KeyapiListCursor *cursor, int64 hi)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;
	int			end = Min(keyapi_listing_announced_end(listing_pages),
						  pages->pass.last_page);

	return hi < pages->pass.lo ? 0 :
		Min(end, keyapi_listing_page_of_rank(listing_pages, hi));
}

static int
count_wanted(const KeyapiPages *pages, const KeyapiListCursor *cursor, int last)
{
	int			first = keyapi_listing_page_of_rank(cursor->listing_pages,
													pages->pass.lo);
	int			wanted = 0;

	if (last - first >= MAX_LOOKED_AT)
		return last - first + 1;
	for (int number = first; number <= last; number++)
		wanted += keyapi_pages_wants(pages, cursor, number);
	return wanted;
}

/*
 * How many pages of the list the pass will read, up to this rank; -1 if that is
 * not known.
 */
static int
wanted_pages(const KeyapiPages *pages, KeyapiListCursor *cursor, int64 hi)
{
	int			last = last_page(pages, cursor, hi);
	int			size = cursor->listing_pages->size;

	if (last == INT_MAX)
		return -1;
	if (cursor->counted_size != size || cursor->counted_to != last)
	{
		cursor->wanted_pages = count_wanted(pages, cursor, last);
		cursor->counted_size = size;
		cursor->counted_to = last;
	}
	return cursor->wanted_pages;
}

/*
 * How many rows of the list the pass may return, up to this rank.
 */
static int64
wanted_rows(const KeyapiPages *pages, const KeyapiListCursor *cursor, int64 hi)
{
	const KeyapiListingPages *listing_pages = cursor->listing_pages;

	if (listing_pages->total_count >= 0 && !listing_pages->total_is_wrong)
		hi = Min(hi, listing_pages->total_count);
	return Max(hi - pages->pass.lo + 1, 0);
}

void
keyapi_pages_report(KeyapiPages *pages)
{
	KeyapiProgress progress = {.lists_total = pages->pass.nlists};
	int64		rows_before = 0;

	if (pages->unreported > 0)
	{
		pages->unreported--;
		return;
	}
	pages->unreported = pages->pass.nlists / LISTS_PER_PAGE;
	for (int i = 0; i < pages->pass.nlists; i++)
	{
		KeyapiListCursor *cursor = &pages->cursors[i];
		int64		hi = highest_rank(pages, i, rows_before);
		int			wanted = wanted_pages(pages, cursor, hi);
		int			arrived = keyapi_listing_num_pages(cursor->listing_pages);

		/* pages may be there that another pass has read */
		progress.lists_done += cursor->done;
		progress.pages_done += wanted < 0 ? arrived : Min(arrived, wanted);
		if (wanted < 0 || progress.pages_total < 0)
			progress.pages_total = -1;
		else
			progress.pages_total += wanted;
		if (pages->pass.max_rows >= 0)
			rows_before += wanted_rows(pages, cursor, hi);
	}
	keyapi_fetcher_report(pages->fetcher, &progress);
}
