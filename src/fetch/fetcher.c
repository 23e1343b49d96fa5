/*-------------------------------------------------------------------------
 *
 * fetcher.c
 *	  Pages of lists, as they are asked for: which requests there are, and the
 *	  wait for one of them.
 *
 * When a request is sent: send.c.  What becomes of the response: receive.c.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/fetcher.h"

#include "foreign/foreign.h"
#include "miscadmin.h"

#include "fetch/fetch_state.h"
#include "fetch/receive.h"
#include "fetch/send.h"
#include "fetch/statement_lists.h"
#include "options/api_key.h"
#include "shared/shared_memory.h"
#include "shared/single_flight.h"

KeyapiFetcher *
keyapi_fetcher_create(Oid relid, Oid userid, const KeyapiTableOptions *options)
{
	KeyapiFetcher *fetcher = palloc0(sizeof(KeyapiFetcher));

	fetcher->context = CurrentMemoryContext;
	fetcher->relid = relid;
	fetcher->serverid = GetForeignTable(relid)->serverid;
	fetcher->options = options;
	fetcher->userid = userid;
	fetcher->ledger.serverid = fetcher->serverid;
	fetcher->ledger.account = &fetcher->account;
	dlist_init(&fetcher->requests.list);
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
	fetcher->ledger.server = fetcher->server;
	if (fetcher->server->credits_per_day >= 0 && !keyapi_shared_by_all())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("option \"credits_per_day\" of the server needs shared memory"),
				 errdetail("Without it, no session knows what the others spend."),
				 errhint("Add keyapi_fdw to shared_preload_libraries and restart PostgreSQL, or drop the option.")));
	fetcher->cache_ttl_ms = keyapi_cache_ttl(fetcher->options, fetcher->server);
	fetcher->report = keyapi_progress_begin(fetcher->relid);
	fetcher->api_key = keyapi_api_key(fetcher->userid, fetcher->serverid);
	fetcher->account =
		keyapi_account_id(fetcher->server->base_url,
						  fetcher->options->endpoint->path,
						  fetcher->server->proxy, fetcher->api_key);
	MemoryContextSwitchTo(oldcontext);
}

/* ---------------------------------------------------------------------
 * The requests of a fetcher
 * ---------------------------------------------------------------------
 */

/*
 * The pages of the list that this statement has, which are asked for here first.
 */
static KeyapiStatementList *
statement_list_of(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages)
{
	MemoryContext oldcontext;
	KeyapiCacheKey key;

	if (listing_pages->statement_list != NULL)
		return listing_pages->statement_list;
	prepare_requests(fetcher);
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	key = keyapi_cache_key(&fetcher->account, &listing_pages->listing);
	listing_pages->statement_list =
		keyapi_statement_list_open(&key, fetcher->cache_ttl_ms);
	MemoryContextSwitchTo(oldcontext);
	return listing_pages->statement_list;
}

/*
 * The page to ask for: if others have found that the list ends before it, the
 * last one tells as much, and is paid for.
 */
static int
existing_page(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages, int number)
{
	KeyapiStatementList *list = statement_list_of(fetcher, listing_pages);
	int			existing = keyapi_statement_list_existing(list, number);

	/* one that is here has not ended the list for this scan */
	return keyapi_listing_page(listing_pages, existing) != NULL ? number : existing;
}

/*
 * The request for a page, which is made if there is none.
 */
static KeyapiPageRequest *
request_page(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages, int number)
{
	KeyapiPageRequest *request;
	MemoryContext oldcontext;

	number = existing_page(fetcher, listing_pages, number);
	request = keyapi_page_request_find(&fetcher->requests, listing_pages, number);
	if (request != NULL)
		return request;
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	request = keyapi_page_request_create(&fetcher->requests, listing_pages, number);
	MemoryContextSwitchTo(oldcontext);
	return request;
}

/* ---------------------------------------------------------------------
 * Waiting
 * ---------------------------------------------------------------------
 */

static void
report(KeyapiFetcher *fetcher, KeyapiWait wait)
{
	fetcher->progress.waiting_for = wait;
	fetcher->progress.credits = fetcher->ledger.cost.credits;
	keyapi_progress_report(fetcher->report, &fetcher->progress);
}

/*
 * Do what can be done without waiting.  Returns when there may be more to do
 * even if nothing arrives, or KEYAPI_NEVER.
 */
static int64
advance(KeyapiFetcher *fetcher, KeyapiPageRequest *needed)
{
	/*
	 * What has arrived is paid for, so it is shared before an interrupt is
	 * served.  It may also say that a list has ended, so that nothing more of
	 * that list is sent.
	 */
	keyapi_fetch_receive(fetcher, needed);
	CHECK_FOR_INTERRUPTS();
	return keyapi_fetch_send(fetcher, needed);
}

/*
 * Wait until a page has arrived or failed, and nothing is in flight.  So what is
 * paid for is not left to chance, and neither other sessions nor other scans of
 * this one wait for a session that is busy elsewhere.
 */
static void
await_page(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	dlist_iter	iter;

	/* what others found while nobody waited here may be long over */
	dlist_foreach(iter, &fetcher->requests.list)
		keyapi_page_request_at(iter)->waiter.since = 0;

	for (;;)
	{
		int64		next = advance(fetcher, request);
		long		timeout = -1;
		KeyapiWait	wait;

		if (fetcher->requests.in_flight == 0 &&
			(request->status == KEYAPI_REQUEST_ARRIVED ||
			 request->status == KEYAPI_REQUEST_FAILED))
			break;
		if (next != KEYAPI_NEVER)
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

	dlist_foreach(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);

		if (request->status == KEYAPI_REQUEST_IN_FLIGHT)
		{
			keyapi_fetch_cancel_unsent(fetcher, request);
			keyapi_page_request_abandon(request);
		}
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
		case KEYAPI_CERTIFICATE_EXPIRED:
		case KEYAPI_BROKEN_TRANSFER:
		case KEYAPI_TIMED_OUT:
		case KEYAPI_TRUNCATED_BODY:
			return true;
		default:
			return failure->status >= 500 || failure->code >= 500;
	}
}

/*
 * The first page of a list has failed: if option stale_if_error allows it, use
 * the last complete copy of the list instead.
 */
static bool
fall_back(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	const KeyapiListingPages *listing_pages = request->listing_pages;
	KeyapiStatementList *list = listing_pages->statement_list;
	int			max_age_ms = fetcher->server->stale_if_error_ms;
	TimestampTz fetched_at;
	const KeyapiListPage *page;

	if (max_age_ms == 0 || keyapi_listing_num_pages(listing_pages) > 0 ||
		!is_outage(&request->failure) ||
		!keyapi_statement_list_fall_back(list, max_age_ms, &fetched_at))
		return false;
	page = keyapi_statement_list_get(list, request->number);
	if (page == NULL)
		return false;
	ereport(WARNING,
			(errmsg("list %s is served as it was at %s",
					keyapi_listing_key(&listing_pages->listing),
					timestamptz_to_str(fetched_at)),
			 errdetail("The API could not be asked: %s.",
					   keyapi_failure_message(&request->failure))));
	keyapi_fetch_use_cached(fetcher, request, page);
	return true;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

KeyapiPage *
keyapi_fetch_page(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
				  int number)
{
	KeyapiPageRequest *request = request_page(fetcher, listing_pages, number);

	drive(fetcher, request);
	if (request->status == KEYAPI_REQUEST_FAILED && !fall_back(fetcher, request))
		keyapi_failure_raise(&request->failure, keyapi_ledger_spent());
	return keyapi_page_request_enter(request);
}

void
keyapi_fetch_ahead(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
				   int number)
{
	(void) request_page(fetcher, listing_pages, number);
}

bool
keyapi_fetch_pending(KeyapiFetcher *fetcher,
					 const KeyapiListingPages *listing_pages, int number)
{
	return keyapi_page_request_find(&fetcher->requests, listing_pages,
									number) != NULL;
}

bool
keyapi_fetch_is_free(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
					 int number)
{
	return keyapi_fetch_pending(fetcher, listing_pages, number) ||
		keyapi_statement_list_is_free(statement_list_of(fetcher, listing_pages),
									  number);
}

bool
keyapi_fetch_would_be_free(KeyapiFetcher *fetcher, const KeyapiListing *listing,
						   int number)
{
	MemoryContext oldcontext;
	KeyapiCacheKey key;
	bool		result;

	prepare_requests(fetcher);
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	key = keyapi_cache_key(&fetcher->account, listing);
	result = keyapi_statement_list_would_be_free(&key, fetcher->cache_ttl_ms, number);
	pfree(unconstify(char *, key.texts));
	MemoryContextSwitchTo(oldcontext);
	return result;
}

void
keyapi_fetch_forget(KeyapiFetcher *fetcher)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);

		if (request->status == KEYAPI_REQUEST_WAITING ||
			request->status == KEYAPI_REQUEST_FAILED)
			keyapi_page_request_forget(request);
	}
}

bool
keyapi_fetcher_works(const KeyapiFetcher *fetcher)
{
	return fetcher->works;
}

int
keyapi_fetcher_concurrency(KeyapiFetcher *fetcher)
{
	prepare_requests(fetcher);
	return fetcher->server->max_concurrency;
}

int64
keyapi_fetcher_affords(KeyapiFetcher *fetcher, const KeyapiEndpoint *endpoint)
{
	int64		left;

	prepare_requests(fetcher);
	left = keyapi_ledger_left(&fetcher->ledger);
	return left == PG_INT64_MAX || endpoint->credits == 0 ? PG_INT64_MAX :
		left / endpoint->credits;
}

void
keyapi_fetcher_check_budget(KeyapiFetcher *fetcher,
							const KeyapiEndpoint *endpoint,
							int64 requests, int lists)
{
	prepare_requests(fetcher);
	keyapi_ledger_check_lists(&fetcher->ledger, requests * endpoint->credits,
							  lists);
}

void
keyapi_fetcher_report(KeyapiFetcher *fetcher, const KeyapiProgress *progress)
{
	prepare_requests(fetcher);
	fetcher->progress = *progress;
}

void
keyapi_fetcher_count_rows(KeyapiFetcher *fetcher, int64 rows)
{
	keyapi_ledger_book_rows(&fetcher->ledger, rows);
}

const KeyapiCost *
keyapi_fetcher_cost(const KeyapiFetcher *fetcher)
{
	return &fetcher->ledger.cost;
}

int64
keyapi_fetcher_unread(KeyapiFetcher *fetcher)
{
	int64		unread = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests.list)
	{
		const KeyapiPageRequest *request = keyapi_page_request_at(iter);

		unread += request->status == KEYAPI_REQUEST_ARRIVED;
	}
	return unread;
}
