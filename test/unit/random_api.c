/*-------------------------------------------------------------------------
 *
 * random_api.c
 *	  An API made up at random, and a fetcher that gets its pages.
 *
 *-------------------------------------------------------------------------
 */
#include "random_api.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/failure.h"
#include "fetch/fetcher.h"

/* More than are ever asked for ahead. */
#define MAX_REQUESTS 1000

/* Room for an id, with its NUL. */
#define ID_SIZE 12

Api			api;
int			api_concurrency;
int			api_requests;

/* ---------------------------------------------------------------------
 * Random numbers
 * ---------------------------------------------------------------------
 */

static uint64 random_state;

static uint64
mix(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
api_begin(uint64 seed)
{
	random_state = mix(seed);
	api_requests = 0;
}

int
pick(int lo, int hi)
{
	random_state += UINT64CONST(0x9e3779b97f4a7c15);
	return lo + (int) (mix(random_state) % (uint64) (hi - lo + 1));
}

int
pick_for_page(int page, int lo, int hi)
{
	return lo + (int) (mix(api.seed + page) % (uint64) (hi - lo + 1));
}

/* ---------------------------------------------------------------------
 * The server
 * ---------------------------------------------------------------------
 */

int
num_pages(void)
{
	return (api.length + api.size - 1) / api.size;
}

int
items_on_page(int page)
{
	int			left = api.length - (page - 1) * api.size;
	int			items = Max(Min(left, api.size), 0);

	if (page == api.empty_page)
		return 0;
	if (api.gaps && items > 1 && page < num_pages() && page % 3 == 1)
		items = pick_for_page(page, 1, items);
	return items;
}

int
echo_of_page(int page)
{
	switch (api.echo)
	{
		case ECHO_RIGHT:
			return api.size;
		case ECHO_ROWS:
			return items_on_page(page);
		case ECHO_ASKED:
			return api.asked;
		case ECHO_FIXED:
			return api.fixed_echo;
		case ECHO_CHANGING:
			return pick_for_page(page, 1, 60);
		default:
			return 0;
	}
}

static int
total_of_page(int page)
{
	switch (api.total)
	{
		case TOTAL_RIGHT:
			return api.length;
		case TOTAL_LOW:
			return Max(api.length - api.total_error, 0);
		case TOTAL_HIGH:
			return api.length + api.total_error;
		case TOTAL_ZERO:
			return 0;
		case TOTAL_PAGE:
			return items_on_page(page);
		default:
			return -1;
	}
}

/*
 * A block of items without members, whose ids are their positions from first on.
 */
static KeyapiBlock *
make_block(int nitems, int first)
{
	Size		text = sizeof(KeyapiBlock) + nitems * sizeof(KeyapiBlockRow);
	Size		size = text + nitems * ID_SIZE;
	KeyapiBlock *block = palloc0(size);
	KeyapiBlockRow *rows = (KeyapiBlockRow *) (block + 1);
	char	   *ids = (char *) block + text;

	*block = (KeyapiBlock)
	{
		.format = KEYAPI_BLOCK_FORMAT,
			.size = size,
			.nrows = nitems,
			.text = text,
			.names = size,
	};
	for (int i = 0; i < nitems; i++)
	{
		char	   *id = ids + i * ID_SIZE;

		snprintf(id, ID_SIZE, "%d", first + i);
		rows[i].id = (KeyapiBlockSpan)
		{
			i		   *ID_SIZE,
						strlen(id)
		};
		rows[i].id_hash = first + i;
	}
	return block;
}

/*
 * All pages stay in memory.
 */
const KeyapiBlock *
keyapi_kept_page_pin(KeyapiKeptPage *page)
{
	return page->block;
}

void
keyapi_kept_page_unpin(KeyapiKeptPage *page)
{
}

static KeyapiPage *
make_page(int number)
{
	KeyapiPage *page = palloc0(sizeof(KeyapiPage));
	KeyapiBlock *block = make_block(items_on_page(number), (number - 1) * api.size + 1);

	block->limit = echo_of_page(number);
	block->total_count = total_of_page(number);
	block->has_more = api.has_more ? number < num_pages() : -1;
	page->number = number;
	page->nrows = block->nrows;
	page->kept = palloc0(sizeof(KeyapiKeptPage));
	page->kept->block = block;
	return page;
}

/* ---------------------------------------------------------------------
 * A fetcher: what is asked for is sent in that order, some at a time, and
 * arrives in any
 * ---------------------------------------------------------------------
 */

typedef enum Status
{
	QUEUED,
	SENT,
	ARRIVED
} Status;

typedef struct Request
{
	int			number;
	Status		status;
	KeyapiPage *page;
} Request;

struct KeyapiFetcher
{
	const KeyapiListingPages *listing_pages;
	Request		requests[MAX_REQUESTS];
	int			n;
	int			in_flight;
	bool		works;
};

KeyapiFetcher *
keyapi_fetcher_create(Oid relid, Oid userid, const KeyapiTableOptions *options)
{
	return palloc0(sizeof(KeyapiFetcher));
}

static Request *
find(KeyapiFetcher *fetcher, int number)
{
	for (int i = 0; i < fetcher->n; i++)
	{
		if (fetcher->requests[i].number == number)
			return &fetcher->requests[i];
	}
	return NULL;
}

bool
keyapi_fetch_pending(KeyapiFetcher *fetcher, const KeyapiListingPages *listing_pages,
					 int number)
{
	return find(fetcher, number) != NULL;
}

void
keyapi_fetch_ahead(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
				   int number)
{
	fetcher->listing_pages = listing_pages;
	if (find(fetcher, number) == NULL)
		fetcher->requests[fetcher->n++] = (Request)
	{
		number, QUEUED, NULL
	};
}

static void
send_request(KeyapiFetcher *fetcher, Request *request)
{
	request->status = SENT;
	fetcher->in_flight++;
	api_requests++;
}

static void
send_what_may_be(KeyapiFetcher *fetcher, const KeyapiListingPages *listing_pages)
{
	for (int i = 0; i < fetcher->n && fetcher->in_flight < api_concurrency; i++)
	{
		Request    *request = &fetcher->requests[i];

		if (request->status == QUEUED && request->number <= listing_pages->last_page)
			send_request(fetcher, request);
	}
}

static void
let_one_arrive(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages)
{
	int			nth = pick(1, fetcher->in_flight);

	for (Request *request = fetcher->requests;; request++)
	{
		if (request->status != SENT || --nth > 0)
			continue;
		request->status = ARRIVED;
		request->page = make_page(request->number);
		fetcher->in_flight--;
		if (request->page->nrows == 0 || request->page->kept->block->has_more == 0)
			listing_pages->last_page = Min(listing_pages->last_page, request->number);
		return;
	}
}

KeyapiPage *
keyapi_fetch_page(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
				  int number)
{
	Request    *request;
	KeyapiPage *page;
	int			sent_after = 0;

	keyapi_fetch_ahead(fetcher, listing_pages, number);
	request = find(fetcher, number);
	if (request->status == QUEUED)
		send_request(fetcher, request);
	while (request->status != ARRIVED || fetcher->in_flight > 0)
	{
		send_what_may_be(fetcher, listing_pages);
		let_one_arrive(fetcher, listing_pages);
	}
	fetcher->works = true;
	for (int i = 0; i < fetcher->n; i++)
		sent_after += fetcher->requests[i].number > number &&
			fetcher->requests[i].status != QUEUED;
	page = request->page;
	*request = fetcher->requests[--fetcher->n];
	keyapi_listing_add_page(listing_pages, page, sent_after);
	return page;
}

void
keyapi_fetch_forget(KeyapiFetcher *fetcher)
{
}

void
keyapi_fetch_forget_ended(KeyapiFetcher *fetcher)
{
}

int
keyapi_fetcher_num_ahead(KeyapiFetcher *fetcher)
{
	int			ahead = 0;

	for (int i = 0; i < fetcher->n; i++)
		ahead += fetcher->requests[i].number <= fetcher->listing_pages->last_page;
	return ahead;
}

void
keyapi_fetcher_lend(KeyapiFetcher *fetcher)
{
}

bool
keyapi_fetchers_are_one_group(const KeyapiFetcher *fetcher, const KeyapiFetcher *other)
{
	return false;
}

bool
keyapi_fetch_is_free(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
					 int number)
{
	return false;
}

bool
keyapi_fetch_would_be_free(KeyapiFetcher *fetcher, const KeyapiListing *listing,
						   int number)
{
	return false;
}

int64
keyapi_fetcher_affords(KeyapiFetcher *fetcher, const KeyapiEndpoint *endpoint)
{
	return PG_INT64_MAX;
}

bool
keyapi_fetcher_works(const KeyapiFetcher *fetcher)
{
	return fetcher->works;
}

int
keyapi_fetcher_concurrency(KeyapiFetcher *fetcher)
{
	return api_concurrency;
}

void
keyapi_fetcher_check_budget(KeyapiFetcher *fetcher, const KeyapiEndpoint *endpoint,
							int64 requests, int lists)
{
}

void
keyapi_fetcher_report(KeyapiFetcher *fetcher, const KeyapiProgress *progress)
{
}

void
keyapi_fetcher_count_rows(KeyapiFetcher *fetcher, int64 rows)
{
}

const KeyapiCost *
keyapi_fetcher_cost(const KeyapiFetcher *fetcher)
{
	return NULL;
}

int64
keyapi_fetcher_unread(KeyapiFetcher *fetcher)
{
	return 0;
}

char *
keyapi_quotable(const char *text)
{
	return unconstify(char *, text);
}

void
keyapi_fetch_let_go(KeyapiListingPages *listing_pages)
{
}
