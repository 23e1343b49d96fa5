/*-------------------------------------------------------------------------
 *
 * pages_test.c
 *	  Random APIs against the arithmetic of pages: what a scan returns of a list
 *	  is what the list has, whatever its pages announce.
 *
 *		pages_test [SEED [CASES]]
 *
 * scan/pages.c, scan/read_ahead.c and fetch/listing_pages.c run here as they
 * are, above a fetcher that makes pages up: of lists whose page size the server
 * honours, lowers or ignores, with limits, totals and has_more that are right,
 * wrong or missing, with short and empty pages.  Where has_more and the rows
 * themselves tell the truth, rows, ranks and the number of requests must be
 * right; where they do not, the rows must be right or a WARNING must say that
 * they may not be.  The exceptions, where nobody could know, are in knowable().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "scan/pages.h"

#include "random_api.h"
#include "server_stubs.h"

/* What is asked of it. */
typedef enum Kind
{
	KIND_ALL,
	KIND_RANKS,					/* rank BETWEEN lo AND hi */
	KIND_PAGES,					/* page IN (lo, hi) */
	KIND_EVERY,					/* rank % hi = lo */
	NUM_KINDS
} Kind;

typedef struct Question
{
	Kind		kind;
	int			lo;
	int			hi;
	KeyapiDemand demand;
} Question;

static Question query;

/* ---------------------------------------------------------------------
 * The query
 * ---------------------------------------------------------------------
 */

static bool
matches(int page, int64 rank)
{
	switch (query.kind)
	{
		case KIND_RANKS:
			return rank >= query.lo && rank <= query.hi;
		case KIND_PAGES:
			return page == query.lo || page == query.hi;
		case KIND_EVERY:
			return rank % query.hi == query.lo;
		default:
			return true;
	}
}

bool
keyapi_bound_wants(const KeyapiBound *bound, int list, int page, int64 first, int64 last)
{
	for (int64 rank = first; rank <= last; rank++)
	{
		if (matches(page, rank))
			return true;
	}
	return false;
}

/*
 * Read the list as an executor does, which checks each row.  rank_of[position]
 * becomes the rank of the item there, 0 if it was not returned.  False if an
 * item comes twice or ranks do not ascend.
 */
static bool
run_query(int64 *rank_of)
{
	KeyapiListing listing = {.endpoint = &keyapi_endpoints[0],.page_size = api.asked};
	KeyapiBound bound = {
		.lists = &listing,
		.nlists = 1,
		.lo = query.kind == KIND_RANKS ? query.lo : 1,
		.hi = query.kind == KIND_RANKS ? query.hi : PG_INT64_MAX,
		.last_page = query.kind == KIND_PAGES ? Max(query.lo, query.hi) : PG_INT32_MAX,
		.max_rows = -1,
	};
	KeyapiPages *pages = keyapi_pages_create(InvalidOid, InvalidOid, NULL);
	KeyapiRow	row;
	int64		last = 0;

	/* a reader may announce its rows one by one */
	int64		rows_ahead = query.demand == KEYAPI_READS_ROWS ? 1 : -1;

	for (int i = 0; i < listing.endpoint->nparams; i++)
		listing.values[i] = "x";
	keyapi_pages_rewind(pages, &bound);
	while (keyapi_pages_next(pages, query.demand, rows_ahead, &row))
	{
		int			position = atoi(keyapi_block_id(row.page->kept->block, row.index).data);

		if (row.rank <= last || rank_of[position] != 0)
			return false;
		last = row.rank;
		if (matches(row.page->number, row.rank))
			rank_of[position] = row.rank;
	}
	return true;
}

/* ---------------------------------------------------------------------
 * The truth, and who could know it
 * ---------------------------------------------------------------------
 */

static bool
is_wanted(int position)
{
	int			page = (position - 1) / api.size + 1;

	if (position - (page - 1) * api.size > items_on_page(page) ||
		(api.empty_page != 0 && page >= api.empty_page))
		return false;
	return matches(page, position);
}

/* Pages that have a wanted rank, whether there is an item at it or not. */
static int
pages_wanted(void)
{
	int			n = 0;

	for (int page = 1; page <= num_pages(); page++)
		n += keyapi_bound_wants(NULL, 0, page, (page - 1) * api.size + 1, page * api.size);
	return n;
}

/*
 * Whether ranks can be known from the first page that is asked for, whichever
 * that is.
 */
static bool
size_is_knowable(void)
{
	bool		by_total = api.total == TOTAL_RIGHT;

	if (api.size > api.asked)
		return false;			/* the first page may be far off */
	switch (api.echo)
	{
		case ECHO_RIGHT:
			/* a page may agree with a total by chance */
			return api.size == api.asked ||
				(api.has_more && (by_total || api.total == TOTAL_MISSING));
		case ECHO_ASKED:
			return api.size == api.asked;
		case ECHO_MISSING:
			return api.size == api.asked && !api.gaps;
		default:
			return api.size == api.asked && !api.gaps && by_total;
	}
}

/*
 * Whether a whole list can be read without has_more.
 */
static bool
end_is_knowable(void)
{
	bool		size_shows = api.size >= api.asked ||
	(api.echo != ECHO_MISSING && echo_of_page(1) <= api.size &&
	 api.echo != ECHO_FIXED && api.echo != ECHO_CHANGING);

	switch (api.total)
	{
		case TOTAL_RIGHT:
			/* unless pages pretend to be larger than they are, and lack items */
			return !api.gaps || size_is_knowable();
		case TOTAL_HIGH:
			return !api.gaps || size_is_knowable();
		case TOTAL_ZERO:
		case TOTAL_MISSING:
			return !api.gaps && size_shows;
		default:
			return false;		/* a total that is too low may fit a page */
	}
}

static bool
knowable(void)
{
	if (query.kind == KIND_ALL)
		return api.has_more || end_is_knowable();
	return size_is_knowable() && api.empty_page == 0 &&
		(api.has_more || (api.total == TOTAL_RIGHT && !api.gaps));
}

/* ---------------------------------------------------------------------
 * Cases
 * ---------------------------------------------------------------------
 */

static void
make_case(void)
{
	api = (Api)
	{
		.length = pick(0, 9) == 0 ? 0 : pick(1, MAX_LENGTH),
			.asked = pick(1, 20),
			.gaps = pick(0, 3) == 0,
			.echo = pick(0, NUM_ECHOES - 1),
			.fixed_echo = pick(1, 60),
			.total = pick(0, NUM_TOTALS - 1),
			.total_error = pick(1, 200),
			.has_more = pick(0, 2) > 0,
			.seed = pick(1, INT_MAX),
	};
	api.size = api.asked;
	if (pick(0, 2) == 0)
		api.size = pick(0, 1) ? pick(1, api.asked) : pick(api.asked, 60);
	if (pick(0, 7) == 0 && num_pages() > 1)
		api.empty_page = pick(1, num_pages());

	api_concurrency = pick(1, MAX_CONCURRENCY);
	query = (Question)
	{
		.kind = pick(0, NUM_KINDS - 1),
			.demand = pick(KEYAPI_READS_SOME, KEYAPI_READS_ALL),
			.lo = pick(1, MAX_LENGTH),
	};
	query.hi = query.lo + pick(0, 50);
	if (query.kind == KIND_PAGES)
	{
		query.lo = pick(1, 12);
		query.hi = pick(1, 12);
	}
	else if (query.kind == KIND_EVERY)
	{
		query.hi = pick(1, 200);
		query.lo = pick(0, query.hi - 1);
	}
}

/*
 * What is wrong with the case, or NULL.  *certain: whether it had to be right.
 */
static const char *
run_case(bool *certain)
{
	int64		rank_of[MAX_LENGTH + 1] = {0};
	int			warnings_before = server_stub_warnings;
	bool		warned;
	bool		ranks_matter = query.kind != KIND_ALL;
	int			needed = pages_wanted();

	if (!run_query(rank_of))
		return "an item came twice, or ranks do not ascend";
	warned = server_stub_warnings > warnings_before;
	if (server_stub_warnings > warnings_before + 1)
		return "more than one WARNING";

	*certain = knowable();
	if (!*certain)
		return NULL;
	for (int position = 1; position <= api.length; position++)
	{
		bool		returned = rank_of[position] != 0;

		if (returned == is_wanted(position) &&
			(!returned || !ranks_matter || rank_of[position] == position))
			continue;
		if (!warned)
			return "rows are wrong, and no WARNING says so";
		if (api.has_more && api.empty_page == 0)
			return "rows are wrong, though has_more is right";
	}
	if (api.has_more && !warned && query.kind == KIND_ALL && api.empty_page != 0 &&
		api.empty_page < num_pages() && api.total == TOTAL_RIGHT)
		return "the list ended early without a WARNING";

	/* one that finds the end or the page size, and what was in flight then */
	if (api.has_more &&
		api_requests > needed + 2 + (query.demand == KEYAPI_READS_SOME ? 0 :
									 api_concurrency - 1))
		return "too many requests";
	return NULL;
}

static void
print_case(const char *problem)
{
	printf("# %s\n# list of %d, pages of %d (asked %d), gaps %d, empty %d, echo %d (%d), total %d (%d), has_more %d\n"
		   "# query kind %d %d..%d, demand %d, concurrency %d: %d requests for %d pages\n",
		   problem, api.length, api.size, api.asked, api.gaps, api.empty_page,
		   api.echo, api.fixed_echo, api.total, api.total_error, api.has_more,
		   query.kind, query.lo, query.hi, query.demand, api_concurrency,
		   api_requests, pages_wanted());
}

int
main(int argc, char **argv)
{
	uint64		seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	long		cases = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;
	long		num_certain = 0;
	long		num_wrong = 0;

	for (long i = 0; i < cases && num_wrong < 5; i++)
	{
		bool		certain = false;
		const char *problem;

		api_begin((seed << 32) + i);
		make_case();
		problem = run_case(&certain);
		server_stub_free_all();
		num_certain += certain;
		if (problem != NULL)
		{
			num_wrong++;
			printf("# case %ld of seed " UINT64_FORMAT ":\n", i, seed);
			print_case(problem);
		}
	}
	printf("1..2\n");
	printf("%sok 1 - %ld random APIs, seed " UINT64_FORMAT "\n",
		   num_wrong ? "not " : "", cases, seed);
	/* a test that lets everything pass would prove nothing */
	printf("%sok 2 - the answer to %ld of them can be known\n",
		   num_certain * 3 < cases && num_wrong == 0 ? "not " : "", num_certain);
	return num_wrong > 0 || num_certain * 3 < cases;
}
