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
#include "storage/ipc.h"

#include "fetch/fetch_state.h"
#include "fetch/receive.h"
#include "fetch/request_log.h"
#include "fetch/retry.h"
#include "fetch/send.h"
#include "fetch/stale.h"
#include "fetch/statement_lists.h"
#include "options/api_key.h"
#include "options/server_account.h"
#include "shared/shared_memory.h"
#include "shared/single_flight.h"
#include "shared/stats.h"

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
	fetcher->group = keyapi_fetch_group(fetcher->serverid, userid);
	dlist_init(&fetcher->requests.list);
	fetcher->requests.in_flight = &fetcher->group->in_flight;
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
	fetcher->patience = keyapi_patience_of(fetcher->server);
	if (fetcher->server->credits_per_day >= 0 && !keyapi_shared_by_all())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("option \"credits_per_day\" of the server needs shared memory"),
				 errdetail("Without it, no session knows what the others spend."),
				 errhint("Add keyapi_fdw to shared_preload_libraries and restart PostgreSQL, or drop the option.")));
	keyapi_stats_open(fetcher->serverid);
	fetcher->cache_ttl_ms = keyapi_cache_ttl(fetcher->options, fetcher->server);
	fetcher->report = keyapi_progress_begin(fetcher->relid);
	fetcher->api_key = keyapi_api_key(fetcher->userid, fetcher->serverid);
	fetcher->account = keyapi_server_account(fetcher->server,
											 fetcher->options->endpoint,
											 fetcher->api_key);
	keyapi_account_open(&fetcher->account, fetcher->options->endpoint->path);
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
	request->waiter.patience = fetcher->patience;
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
	KeyapiProgress progress = fetcher->progress;

	progress.pages_done += fetcher->requests.arrived - fetcher->arrived_before;
	if (progress.pages_total >= 0)
		progress.pages_done = Min(progress.pages_done, progress.pages_total);
	progress.waiting_for = wait;
	progress.credits = fetcher->ledger.cost.credits;
	keyapi_progress_report(fetcher->report, &progress);
}

#define fetcher_at(iter) dlist_container(KeyapiFetcher, lent_node, (iter).cur)

/*
 * Receive and send what other fetchers have lent: they will be read after this
 * one.  If a page has failed, no later one is sent: the failure is raised before
 * that is needed.
 */
static void
receive_lent(KeyapiFetcher *fetcher)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->group->lent)
		keyapi_fetch_receive(fetcher_at(iter), NULL);
}

static bool
has_failed(KeyapiFetcher *fetcher)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests.list)
	{
		if (keyapi_page_request_at(iter)->status == KEYAPI_REQUEST_FAILED)
			return true;
	}
	return false;
}

static int64
send_lent(KeyapiFetcher *fetcher)
{
	int64		next = KEYAPI_NEVER;
	bool		failed = has_failed(fetcher);
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->group->lent)
	{
		if (failed)
			break;
		next = Min(next, keyapi_fetch_send(fetcher_at(iter), NULL));
		failed = has_failed(fetcher_at(iter));
	}
	return next;
}

/*
 * Do what can be done without waiting.  Returns when there may be more to do
 * even if nothing arrives, or KEYAPI_NEVER.
 */
static int64
advance(KeyapiFetcher *fetcher, KeyapiPageRequest *needed)
{
	int64		next;

	/*
	 * What has arrived is paid for, so it is shared before an interrupt is
	 * served, by a message that is logged on the way either.  It may also say
	 * that a list has ended, so that nothing more of that list is sent.
	 */
	HOLD_INTERRUPTS();
	keyapi_fetch_receive(fetcher, needed);
	receive_lent(fetcher);
	RESUME_INTERRUPTS();
	CHECK_FOR_INTERRUPTS();
	next = keyapi_fetch_send(fetcher, needed);
	return Min(next, send_lent(fetcher));
}

/*
 * What others did while nobody waited here does not count any more.
 */
static void
begin_waiting(KeyapiFetcher *fetcher)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);

		request->waiter.since = 0;
		request->awaited_at_us = 0;
	}
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

	begin_waiting(fetcher);
	dlist_foreach(iter, &fetcher->group->lent)
		begin_waiting(fetcher_at(iter));

	for (;;)
	{
		int64		next = advance(fetcher, request);
		long		timeout = -1;
		KeyapiWait	wait;

		if (fetcher->group->in_flight == 0 &&
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
			keyapi_outage_abandon(&keyapi_account_lock(&fetcher->account)->outage,
								  request->sent_at_us);
			keyapi_account_unlock();
			keyapi_request_log_abandoned(fetcher, request);
			keyapi_page_request_abandon(request);
		}
	}
}

/*
 * Abandon what a scan and those that it drives have in flight, whether a query or
 * the session ends.
 */
static void
abandon_all(int code, Datum arg)
{
	KeyapiFetcher *fetcher = (KeyapiFetcher *) DatumGetPointer(arg);
	dlist_iter	iter;

	abandon(fetcher);
	dlist_foreach(iter, &fetcher->group->lent)
		abandon(fetcher_at(iter));
	keyapi_flight_end_all();
}

/*
 * Await a page; however that ends, nobody waits for this session afterwards.
 */
static void
drive(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	PG_ENSURE_ERROR_CLEANUP(abandon_all, PointerGetDatum(fetcher));
	{
		await_page(fetcher, request);
	}
	PG_END_ENSURE_ERROR_CLEANUP(abandon_all, PointerGetDatum(fetcher));
	keyapi_flight_end_all();
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
	KeyapiPage *page;

	keyapi_fetcher_take_back(fetcher);
	fetcher->group->driven = fetcher;
	drive(fetcher, request);
	if (request->status == KEYAPI_REQUEST_FAILED &&
		!keyapi_stale_use(fetcher, request, &request->failure))
		keyapi_failure_raise(&request->failure, keyapi_ledger_spent());
	page = keyapi_page_request_enter(request);

	/* what was in flight has arrived, so an error here loses nothing */
	keyapi_kept_pages_trim();
	return page;
}

void
keyapi_fetch_ahead(KeyapiFetcher *fetcher, KeyapiListingPages *listing_pages,
				   int number)
{
	(void) request_page(fetcher, listing_pages, number);
}

void
keyapi_fetcher_lend(KeyapiFetcher *fetcher)
{
	if (!fetcher->lent)
		dlist_push_tail(&fetcher->group->lent, &fetcher->lent_node);
	fetcher->lent = true;
}

void
keyapi_fetcher_take_back(KeyapiFetcher *fetcher)
{
	if (fetcher->lent)
		dlist_delete(&fetcher->lent_node);
	fetcher->lent = false;
}

bool
keyapi_fetchers_are_one_group(const KeyapiFetcher *fetcher,
							  const KeyapiFetcher *other)
{
	return fetcher->group == other->group;
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
keyapi_fetch_let_go(KeyapiListingPages *listing_pages)
{
	KeyapiStatementList *list = listing_pages->statement_list;

	if (keyapi_listing_num_pages(listing_pages) == 0 ||
		!keyapi_statement_list_may_go(list))
		return;
	keyapi_listing_let_go(listing_pages);
	keyapi_statement_list_let_go(list);
}

static bool
is_behind_end(const KeyapiPageRequest *request)
{
	return request->number > request->listing_pages->last_page;
}

static void
forget_requests(KeyapiFetcher *fetcher, bool only_ended)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);

		if ((request->status == KEYAPI_REQUEST_WAITING ||
			 request->status == KEYAPI_REQUEST_FAILED) &&
			(!only_ended || is_behind_end(request)))
			keyapi_page_request_forget(request);
	}
}

void
keyapi_fetch_forget(KeyapiFetcher *fetcher)
{
	forget_requests(fetcher, false);
}

void
keyapi_fetch_forget_ended(KeyapiFetcher *fetcher)
{
	forget_requests(fetcher, true);
}

int
keyapi_fetcher_num_ahead(KeyapiFetcher *fetcher)
{
	int			num = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests.list)
		num += !is_behind_end(keyapi_page_request_at(iter));
	return num;
}

bool
keyapi_fetcher_works(const KeyapiFetcher *fetcher)
{
	return fetcher->group->works;
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
	fetcher->arrived_before = fetcher->requests.arrived - keyapi_fetcher_unread(fetcher);
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
