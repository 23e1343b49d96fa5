/*-------------------------------------------------------------------------
 *
 * fetcher.c
 *	  Pages of lists, as they are asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/fetcher_internal.h"

#include "foreign/foreign.h"
#include "utils/memutils.h"

#include "fetch/budget.h"
#include "options/api_key.h"
#include "shared/shared_memory.h"
#include "shared/single_flight.h"
#include "shared/stats.h"

KeyapiFetcher *
keyapi_fetcher_create(Oid relid, Oid userid,
					  const char *const *paths, int npaths)
{
	KeyapiFetcher *fetcher = palloc0(sizeof(KeyapiFetcher));

	fetcher->context = CurrentMemoryContext;
	fetcher->relid = relid;
	fetcher->serverid = GetForeignTable(relid)->serverid;
	fetcher->userid = userid;
	fetcher->paths = paths;
	fetcher->npaths = npaths;
	dlist_init(&fetcher->requests);
	return fetcher;
}

/*
 * Look up what requests need: at the first one, so that a scan that needs none
 * needs no user mapping either.
 */
static void
prepare_requests(KeyapiFetcher *fetcher)
{
	MemoryContext oldcontext;

	if (fetcher->api_key != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	fetcher->server = keyapi_server_options(fetcher->serverid);
	if (fetcher->server->credits_per_day >= 0 && !keyapi_shared_by_all())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("option \"credits_per_day\" of the server needs shared memory"),
				 errdetail("Without it, no session knows what the others spend."),
				 errhint("Add keyapi_fdw to shared_preload_libraries and restart PostgreSQL, or drop the option.")));
	fetcher->cache_ttl_ms = keyapi_cache_ttl(fetcher->relid);
	fetcher->report = keyapi_progress_begin(fetcher->relid);
	fetcher->api_key = keyapi_api_key(fetcher->userid, fetcher->serverid);
	fetcher->account =
		keyapi_account_id(fetcher->server->base_url,
						  keyapi_table_options(fetcher->relid)->endpoint->path,
						  fetcher->server->proxy, fetcher->api_key);
	MemoryContextSwitchTo(oldcontext);
}

/* ---------------------------------------------------------------------
 * The requests of a fetcher
 * ---------------------------------------------------------------------
 */

/*
 * The state of the list that this statement sees.
 */
static KeyapiStatementList *
statement_list_of(KeyapiFetcher *fetcher, KeyapiListingPages *state)
{
	MemoryContext oldcontext;
	KeyapiCacheKey key;

	if (state->statement_list != NULL)
		return state->statement_list;
	prepare_requests(fetcher);
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	key = keyapi_cache_key(&fetcher->account, &state->listing);
	state->statement_list = keyapi_statement_list_open(&key, fetcher->cache_ttl_ms);
	MemoryContextSwitchTo(oldcontext);
	return state->statement_list;
}

static KeyapiPageRequest *
find_request(KeyapiFetcher *fetcher, const KeyapiListingPages *state, int number)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);

		if (request->state == state && request->number == number)
			return request;
	}
	return NULL;
}

/*
 * The page to ask for: if others have found that the list ends before it, the
 * last one tells as much, and is paid for.
 */
static int
existing_page(KeyapiFetcher *fetcher, KeyapiListingPages *state, int number)
{
	int			existing = keyapi_statement_list_existing(statement_list_of(fetcher, state),
														  number);
	ListCell   *lc;

	foreach(lc, state->pages)
	{
		/* it has not ended the list for this scan */
		if (((const KeyapiPage *) lfirst(lc))->number == existing)
			return number;
	}
	return existing;
}

/*
 * The request for a page, which is made if there is none.
 */
static KeyapiPageRequest *
request_page(KeyapiFetcher *fetcher, KeyapiListingPages *state, int number)
{
	KeyapiPageRequest *request;

	number = existing_page(fetcher, state, number);
	request = find_request(fetcher, state, number);
	if (request != NULL)
		return request;
	request = MemoryContextAllocZero(fetcher->context, sizeof(KeyapiPageRequest));
	request->context = AllocSetContextCreate(fetcher->context,
											 "keyapi_fdw page",
											 ALLOCSET_START_SMALL_SIZES);
	request->state = state;
	request->number = number;
	request->status = WAITING;
	request->closings = PG_INT32_MAX;
	dlist_push_tail(&fetcher->requests, &request->node);
	return request;
}

KeyapiPage *
keyapi_fetch_enter(KeyapiPageRequest *request)
{
	KeyapiPage *page = request->page;

	keyapi_listing_add_page(request->state, page);
	dlist_delete(&request->node);
	pfree(request);
	return page;
}

/* ---------------------------------------------------------------------
 * Waiting
 * ---------------------------------------------------------------------
 */

static void
report(KeyapiFetcher *fetcher, KeyapiWait wait)
{
	fetcher->progress.waiting_for = wait;
	fetcher->progress.credits = fetcher->cost.credits;
	keyapi_progress_report(fetcher->report, &fetcher->progress);
}

/*
 * Do what can be done without waiting.  Returns when there may be more to do
 * even if nothing arrives, or NEVER.
 */
static int64
advance(KeyapiFetcher *fetcher, KeyapiPageRequest *needed)
{
	bool		to_decode = keyapi_fetch_receive(fetcher);
	int64		next = keyapi_fetch_send(fetcher, needed);

	if (to_decode)
	{
		/* the network works while we decode */
		keyapi_http_drive(0, keyapi_wait_event(KEYAPI_WAIT_REQUEST));
		keyapi_fetch_decode(fetcher, needed);
		return 0;
	}
	return next;
}

/*
 * Wait until a page has arrived or failed, and nothing is in flight: what is
 * paid for is not left to chance, no other session waits for one that is busy
 * elsewhere, and nor does another scan of this one.
 */
static void
await_page(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	dlist_iter	iter;

	/* what others found while nobody waited here may be long over */
	dlist_foreach(iter, &fetcher->requests)
		dlist_container(KeyapiPageRequest, node, iter.cur)->waiter.since = 0;

	for (;;)
	{
		int64		next = advance(fetcher, request);
		long		timeout = -1;
		KeyapiWait	wait;

		if (fetcher->in_flight == 0 &&
			(request->status == ARRIVED || request->status == FAILED))
			break;
		if (next != NEVER)
			timeout = (Max(next - keyapi_gate_clock(), 0) + US_PER_MS - 1) / US_PER_MS;
		wait = keyapi_fetch_waits_for(fetcher, request);
		report(fetcher, wait);
		keyapi_http_drive(timeout, keyapi_wait_event(wait));
	}
	report(fetcher, KEYAPI_WAIT_NONE);
}

/*
 * An error ends the scan.  What is in flight is abandoned here: if the scan is a
 * cursor's, its memory may live on until the transaction ends, and other scans
 * would go on driving, or even send, what nobody will read.
 */
static void
abandon(KeyapiFetcher *fetcher)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);

		if (request->status != IN_FLIGHT)
			continue;
		keyapi_fetch_settle(fetcher, request);
		keyapi_http_release(request->transfer);
		request->transfer = NULL;
		request->status = WAITING;
		fetcher->in_flight--;
	}
	keyapi_flight_end_all();
}

/*
 * Await a page; however that ends, nobody waits for this session afterwards.
 */
static void
drive(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	PG_TRY();
	{
		await_page(fetcher, request);
	}
	PG_CATCH();
	{
		abandon(fetcher);
		PG_RE_THROW();
	}
	PG_END_TRY();
	keyapi_flight_end_all();
}

/*
 * Whether the API is out of order or out of reach, as opposed to refusing what
 * it was asked for.
 */
static bool
is_outage(const KeyapiFailure *failure)
{
	switch (failure->cause)
	{
		case KEYAPI_PAYMENT_REQUIRED:
		case KEYAPI_RATE_LIMITED:
		case KEYAPI_UNAVAILABLE:
		case KEYAPI_CANNOT_CONNECT:
		case KEYAPI_TLS:
		case KEYAPI_BROKEN_TRANSFER:
		case KEYAPI_TIMED_OUT:
		case KEYAPI_TRUNCATED_BODY:
			return true;
		default:
			return failure->status >= 500 || failure->code >= 500;
	}
}

/*
 * The first page of a list has failed: if the user allows it, take the last
 * complete state of the list instead.
 */
static bool
fall_back(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	KeyapiListingPages *state = request->state;
	TimestampTz fetched_at;
	const KeyapiBody *body;

	if (fetcher->server->stale_if_error_ms == 0 || state->pages != NIL ||
		!is_outage(&request->failure) ||
		!keyapi_statement_list_fall_back(state->statement_list,
										 fetcher->server->stale_if_error_ms, &fetched_at))
		return false;
	body = keyapi_statement_list_get(state->statement_list, request->number);
	if (body == NULL)
		return false;
	ereport(WARNING,
			(errmsg("list %s is served as it was at %s",
					keyapi_listing_key(&state->listing), timestamptz_to_str(fetched_at)),
			 errdetail("The API could not be asked: %s.",
					   keyapi_failure_message(&request->failure,
											  fetcher->api_key))));
	keyapi_fetch_use_cached(fetcher, request, body);
	return request->status == ARRIVED;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

KeyapiPage *
keyapi_fetch_page(KeyapiFetcher *fetcher, KeyapiListingPages *state, int number)
{
	KeyapiPageRequest *request = request_page(fetcher, state, number);

	drive(fetcher, request);
	if (request->status == FAILED && !fall_back(fetcher, request))
		keyapi_failure_raise(&request->failure, fetcher->api_key);
	return keyapi_fetch_enter(request);
}

void
keyapi_fetch_ahead(KeyapiFetcher *fetcher, KeyapiListingPages *state, int number)
{
	(void) request_page(fetcher, state, number);
}

bool
keyapi_fetch_pending(KeyapiFetcher *fetcher, const KeyapiListingPages *state,
					 int number)
{
	return find_request(fetcher, state, number) != NULL;
}

bool
keyapi_fetch_is_free(KeyapiFetcher *fetcher, KeyapiListingPages *state, int number)
{
	return find_request(fetcher, state, number) != NULL ||
		keyapi_statement_list_spares(statement_list_of(fetcher, state), number);
}

void
keyapi_fetch_forget(KeyapiFetcher *fetcher)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);

		if (request->status != WAITING && request->status != FAILED)
			continue;
		dlist_delete(&request->node);
		MemoryContextDelete(request->context);
		pfree(request);
	}
}

bool
keyapi_fetcher_works(const KeyapiFetcher *fetcher)
{
	return fetcher->works;
}

const char *
keyapi_fetcher_secret(const KeyapiFetcher *fetcher)
{
	return fetcher->api_key;
}

int
keyapi_fetcher_concurrency(KeyapiFetcher *fetcher)
{
	prepare_requests(fetcher);
	return fetcher->server->max_concurrency;
}

void
keyapi_fetcher_check_budget(KeyapiFetcher *fetcher,
							const KeyapiEndpoint *endpoint,
							int64 requests, int lists)
{
	prepare_requests(fetcher);
	keyapi_budget_check(fetcher->serverid, fetcher->server->max_credits,
						requests * endpoint->credits, lists);
}

void
keyapi_fetcher_report(KeyapiFetcher *fetcher, const KeyapiProgress *progress)
{
	prepare_requests(fetcher);
	fetcher->progress = *progress;
}

void
keyapi_fetcher_count_rows(const KeyapiFetcher *fetcher, int64 rows)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_ROWS] = rows
	};

	if (rows > 0)
		keyapi_stats_add(fetcher->serverid, counts, 0);
}

const KeyapiCost *
keyapi_fetcher_cost(const KeyapiFetcher *fetcher)
{
	return &fetcher->cost;
}

int64
keyapi_fetcher_unread(KeyapiFetcher *fetcher)
{
	int64		unread = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		const KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node,
														   iter.cur);

		unread += request->status == ARRIVED;
	}
	return unread;
}
