/*-------------------------------------------------------------------------
 *
 * send.c
 *	  When a page request may start.
 *
 * In this order: there must be room (max_concurrency), money (ledger.c), time
 * (the pause before a retry, and the account's gate), and no other session that
 * has the page or asks for it (statement_lists.c).
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/send.h"

#include "utils/memutils.h"

#include "fetch/receive.h"
#include "fetch/shared_failure.h"
#include "fetch/statement_lists.h"
#include "shared/cache.h"

/*
 * Until when others are to wait for this session's answer.
 */
static TimestampTz
flight_end(const KeyapiFetcher *fetcher)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   fetcher->server->request_timeout_ms);
}

static KeyapiTransfer *
start_transfer(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request)
{
	const KeyapiServerOptions *server = fetcher->server;
	const KeyapiHttpOptions options = {
		.ca_file = server->ca_file,
		.proxy = server->proxy,
		.connect_timeout_ms = server->connect_timeout_ms,
		.request_timeout_ms = server->request_timeout_ms,

		/*
		 * an HTTP cache may remember the failure, or have what is too old
		 * here
		 */
		.no_cache = server->http_cache &&
		(request->attempts > 0 || keyapi_cache_wants_fresh()),
	};

	return keyapi_http_start(keyapi_listing_url(&request->listing_pages->listing,
												server->base_url, request->number),
							 fetcher->api_key, &options);
}

/*
 * Send a request, which is booked already.
 */
static void
send_request(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	MemoryContext oldcontext;

	/* with what is left of the attempt before */
	MemoryContextReset(request->context);
	oldcontext = MemoryContextSwitchTo(request->context);
	PG_TRY();
	{
		keyapi_page_request_start(request, start_transfer(fetcher, request), now);
	}
	PG_CATCH();
	{
		keyapi_ledger_cancel_request(&fetcher->ledger,
									 keyapi_page_request_credits(request),
									 request->attempts > 0);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Adopt the failure of the other sessions that have asked for the page.
 */
static void
adopt_failure(const KeyapiFetcher *fetcher, KeyapiPageRequest *request,
			  const KeyapiSharedFailure *shared_failure)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(request->context);
	KeyapiFailure failure =
	keyapi_page_request_failure(request, fetcher->server->base_url);

	keyapi_shared_failure_read(shared_failure, &failure);
	keyapi_page_request_fail(request, &failure);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * It is this request's turn: find the page elsewhere, or send the request.
 * Returns when to try again, or KEYAPI_NEVER.
 */
static int64
find_or_send(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	KeyapiStatementList *list = request->listing_pages->statement_list;
	KeyapiFinding finding;

	switch (keyapi_statement_list_look(list, request->number, flight_end(fetcher),
									   &request->waiter, &finding))
	{
		case KEYAPI_PAGE_HERE:
			keyapi_fetch_use_cached(fetcher, request, finding.page);
			return KEYAPI_NEVER;
		case KEYAPI_PAGE_REFUSED:
			adopt_failure(fetcher, request, &finding.shared_failure);
			return KEYAPI_NEVER;
		case KEYAPI_PAGE_AWAITED:
			request->awaited = true;
			return now + KEYAPI_FLIGHT_POLL * US_PER_MS;
		case KEYAPI_PAGE_YOURS:
			break;
	}
	if (!keyapi_ledger_book_request(&fetcher->ledger, now,
									keyapi_page_request_credits(request),
									request->attempts > 0))
	{
		/* another session was faster */
		keyapi_statement_list_give_up(list, request->number, NULL);
		return now + US_PER_MS;
	}
	send_request(fetcher, request, now);
	return KEYAPI_NEVER;
}

/*
 * Send a request if it is WAITING and may start now; else tell when that may be,
 * or KEYAPI_NEVER if something has to happen before.
 */
static int64
try_to_send(KeyapiFetcher *fetcher, KeyapiPageRequest *request, bool urgent,
			int64 now)
{
	const KeyapiServerOptions *server = fetcher->server;
	KeyapiGate	gate;
	int64		earliest;

	if (request->status != KEYAPI_REQUEST_WAITING ||
		fetcher->requests.in_flight >= server->max_concurrency ||
		!keyapi_ledger_affords(&fetcher->ledger,
							   keyapi_page_request_credits(request)))
		return KEYAPI_NEVER;
	request->awaited = false;
	gate = keyapi_account_gate(&fetcher->account);
	earliest = Max(request->not_before_us,
				   keyapi_gate_opens(&gate, now, server->requests_per_second));
	if (earliest > now)
	{
		/* another session may get an answer earlier */
		keyapi_flight_begin_wait(&request->waiter);
		return Min(earliest, now + KEYAPI_FLIGHT_POLL * US_PER_MS);
	}
	request->waiter.urgent = urgent;
	return find_or_send(fetcher, request, now);
}

/*
 * Fail a page that is needed if the API has said that it will refuse it; raise
 * 54000 if it may not be paid for.
 */
static void
fail_if_hopeless(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	KeyapiGate	gate = keyapi_account_gate(&fetcher->account);
	const KeyapiServerOptions *server = fetcher->server;
	int64		pause = (gate.pause.asked_until_us - now) / US_PER_MS;
	KeyapiFailure failure = keyapi_page_request_failure(request, server->base_url);

	/*
	 * While the gate is closed, one request tries for all that wait: its
	 * refusal counts for each of them.  A request that finds the gate open
	 * tries for itself.
	 */
	request->closings = Min(request->closings, Max(gate.pause.closings, 1));
	if (gate.pause.broke_until_us > now)
	{
		failure.cause = KEYAPI_PAYMENT_REQUIRED;
		failure.retry_after_ms = (gate.pause.broke_until_us - now) / US_PER_MS;
		failure.reason = "it said so less than a minute ago and was not asked again";
	}
	else if (gate.pause.closed_until_us > now &&
			 pause > server->max_retry_wait_ms)
	{
		failure.cause = KEYAPI_RATE_LIMITED;
		failure.retry_after_ms = pause;
		failure.reason = "the API asked for a pause that is not over yet";
	}
	else if (gate.pause.closings - request->closings > server->max_retries)
	{
		failure.cause = KEYAPI_RATE_LIMITED;
		failure.retry_after_ms = Max(pause, 0);
		failure.reason = "it refused all requests with this key since the page was needed";
	}

	if (failure.cause != KEYAPI_OK)
		keyapi_page_request_fail(request, &failure);
	else if (fetcher->requests.in_flight == 0)
	{
		/* what is under way will be paid for, so let that arrive first */
		keyapi_ledger_check_request(&fetcher->ledger,
									keyapi_page_request_credits(request));
	}
}

/*
 * Use the pages that were cached since they were asked for.
 */
static void
use_cached_pages(KeyapiFetcher *fetcher, const KeyapiPageRequest *needed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);
		const KeyapiListPage *page;

		if (request->status != KEYAPI_REQUEST_WAITING)
			continue;
		page = keyapi_statement_list_get(request->listing_pages->statement_list,
										 request->number);
		if (page == NULL)
			continue;
		keyapi_fetch_use_cached(fetcher, request, page);
		if (request != needed)
			keyapi_fetch_enter_first(request);
	}
}

int64
keyapi_fetch_send(KeyapiFetcher *fetcher, KeyapiPageRequest *needed)
{
	int64		now = keyapi_gate_clock();
	int64		next = KEYAPI_NEVER;
	dlist_iter	iter;

	use_cached_pages(fetcher, needed);
	if (needed != NULL && needed->status == KEYAPI_REQUEST_WAITING)
	{
		fail_if_hopeless(fetcher, needed, now);
		next = try_to_send(fetcher, needed, true, now);
	}
	dlist_foreach(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);

		/* this failure is raised before a later page is needed */
		if (request->status == KEYAPI_REQUEST_FAILED)
			break;
		if (request != needed &&
			request->number <= request->listing_pages->last_page)
			next = Min(next, try_to_send(fetcher, request, false, now));
	}
	return next;
}

KeyapiWait
keyapi_fetch_waits_for(const KeyapiFetcher *fetcher,
					   const KeyapiPageRequest *request)
{
	const KeyapiGate gate = keyapi_account_gate(&fetcher->account);
	int64		now = keyapi_gate_clock();

	if (fetcher->requests.in_flight > 0)
		return KEYAPI_WAIT_REQUEST;
	if (request->awaited)
		return KEYAPI_WAIT_SESSION;
	if (gate.pause.closed_until_us > now || gate.pause.closings > 0)
		return KEYAPI_WAIT_RATE_LIMIT;
	return request->not_before_us > now ? KEYAPI_WAIT_RETRY : KEYAPI_WAIT_PACING;
}
