/*-------------------------------------------------------------------------
 *
 * price.c
 *	  What a pass costs at least, by the number of its lists.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/price.h"

#include "miscadmin.h"

/*
 * As many lists are opened in no time.  The key of the user is not read for them
 * before a page is needed.
 */
#define FEW_LISTS 100

/* What a pass reads of a list of typical length. */
typedef struct TypicalList
{
	int			first_page;
	int			last_page;		/* before first_page: nothing */
	int64		rows;
} TypicalList;

static TypicalList
typical_list(const KeyapiBound *bound)
{
	const KeyapiListing *listing = &bound->lists[0];
	int64		hi = Min(bound->hi, listing->endpoint->typical_rows);

	if (bound->lo > hi)
		return (TypicalList)
	{
		1, 0, 0
	};
	return (TypicalList)
	{
		.first_page = (int) ((bound->lo - 1) / listing->page_size) + 1,
			.last_page = (int) Min((hi - 1) / listing->page_size + 1,
								   bound->last_page),
			.rows = hi - bound->lo + 1,
	};
}

/*
 * How many lists the pass reads, if they are of typical length.
 */
static int
lists_to_read(const KeyapiBound *bound, const TypicalList *typical)
{
	if (bound->max_rows < 0)
		return bound->nlists;
	/* by rank, each list gives a row before any gives its second */
	if (bound->rank_major)
		return (int) Min(bound->nlists, bound->max_rows);
	return (int) Min(bound->nlists,
					 (bound->max_rows + typical->rows - 1) / typical->rows);
}

/*
 * Whether a list costs a request at least.
 */
static bool
costs(const KeyapiPages *pages, int list, const TypicalList *typical)
{
	const KeyapiListing *listing = &pages->pass.lists[list];

	for (int number = typical->first_page; number <= typical->last_page; number++)
	{
		int64		first = (int64) (number - 1) * listing->page_size + 1;

		CHECK_FOR_INTERRUPTS();
		if (keyapi_bound_wants(&pages->pass, list, number, first,
							   first + listing->page_size - 1))
			return !keyapi_fetch_would_be_free(pages->fetcher, listing, number);
	}
	return false;
}

void
keyapi_price_check_number(const KeyapiPages *pages)
{
	const KeyapiBound *bound = &pages->pass;
	TypicalList typical;
	int64		affordable;
	int			nlists;
	int			costly = 0;

	if (pages->demand != KEYAPI_READS_ALL || bound->nlists <= FEW_LISTS)
		return;
	typical = typical_list(bound);
	if (typical.rows == 0)
		return;
	nlists = lists_to_read(bound, &typical);
	affordable = keyapi_fetcher_affords(pages->fetcher, bound->lists[0].endpoint);
	if (nlists <= affordable)
		return;
	for (int i = 0; i < nlists && costly <= affordable; i++)
		costly += costs(pages, i, &typical);
	if (costly > affordable)
		keyapi_fetcher_check_budget(pages->fetcher, bound->lists[0].endpoint,
									(int64) nlists *
									(typical.last_page - typical.first_page + 1),
									nlists);
}
