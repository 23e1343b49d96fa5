/*-------------------------------------------------------------------------
 *
 * receive.c
 *	  What becomes of a page request that has been answered.
 *
 * A page is given to all sessions and waits to enter its list.  A failure is
 * booked, and the page either waits for another try (retry.c decides) or fails;
 * then the sessions that wait for it are told.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/receive.h"

#include "common/pg_prng.h"

#include "fetch/request_log.h"
#include "fetch/response.h"
#include "fetch/retry.h"
#include "fetch/shared_failure.h"
#include "fetch/statement_lists.h"

/* ---------------------------------------------------------------------
 * Failures
 * ---------------------------------------------------------------------
 */

/*
 * A failure as the gate is told of it; final if the page is not tried again.
 */
static KeyapiOutageFailure
outage_failure(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request,
			   const KeyapiFailure *failure, bool final)
{
	bool		took_too_long = failure->cause == KEYAPI_TIMED_OUT ||
	failure->cause == KEYAPI_CANNOT_CONNECT;

	return (KeyapiOutageFailure)
	{
		.doubted_us = request->doubted_at_us,
			.sent_us = request->sent_at_us,
			.final = final,
			.cause = failure->cause,
			.status = failure->status,
			.patience = took_too_long ? fetcher->patience :
			KEYAPI_ENDLESS_PATIENCE,
	};
}

/*
 * Whether a cache in front of the API has answered, where the server's options
 * say that there is one.
 */
static bool
is_from_cache(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request)
{
	return fetcher->server->http_cache &&
		keyapi_http_outcome(request->transfer)->from_cache;
}

/*
 * Tell the account's gate how the API has answered.  Returns whether it was asked
 * to find out whether an outage is over, in vain.
 */
static bool
tell_gate(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
		  const KeyapiFailure *failure, bool final, int64 now)
{
	const KeyapiOutageFailure outage = outage_failure(fetcher, request, failure, final);
	double		random = pg_prng_double(&pg_global_prng_state);
	KeyapiGate *gate = keyapi_account_lock(&fetcher->account);
	bool		was_probe = false;

	if (is_from_cache(fetcher, request))
		keyapi_gate_bypassed(gate, request->sent_at_us);
	else if (failure->cause == KEYAPI_OK)
		keyapi_gate_succeeded(gate, request->sent_at_us, now);
	else if (failure->cause == KEYAPI_RATE_LIMITED)
		keyapi_gate_limited(gate, request->sent_at_us, now, failure->retry_after_ms,
							fetcher->server->max_retry_wait_ms, random);
	else if (failure->cause == KEYAPI_PAYMENT_REQUIRED)
		keyapi_gate_refused(gate, request->sent_at_us, now);
	else if (keyapi_failure_is_outage(failure))
		was_probe = keyapi_gate_failed(gate, &outage, now);
	else if (failure->status != 0)
		keyapi_gate_passed(gate, request->sent_at_us);

	/* its own tries are counted anyway */
	if (was_probe)
		request->probes_seen = gate->outage.failed_probes;
	keyapi_account_unlock();
	return was_probe;
}

/*
 * An attempt has failed: have the page wait for another one, or keep the failure
 * for when the page is needed.
 */
static void
settle_failure(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
			   KeyapiFailure *failure, int64 now)
{
	KeyapiStatementList *list = request->listing_pages->statement_list;
	int64		delay = keyapi_retry_delay(failure, fetcher->server,
										   is_from_cache(fetcher, request));
	bool		was_probe = tell_gate(fetcher, request, failure,
									  delay == KEYAPI_NO_RETRY, now);

	keyapi_ledger_book_failure(&fetcher->ledger, failure);

	/* an API that hangs holds nobody for longer than one timeout, once known */
	if (was_probe && failure->cause == KEYAPI_TIMED_OUT)
		delay = KEYAPI_NO_RETRY;
	if (delay != KEYAPI_NO_RETRY)
	{
		keyapi_page_request_retry(request, now + delay);

		/* other sessions go on waiting for this one */
		keyapi_statement_list_retry(list, request->number,
									keyapi_fetch_flight_end(fetcher) + delay);
	}
	else if (keyapi_statement_list_get(list, request->number) != NULL)
	{
		/* another session has got it meanwhile */
		keyapi_page_request_retry(request, now);
	}
	else
	{
		keyapi_page_request_fail(request, failure);
		keyapi_shared_failure_tell(request, fetcher->server);
	}
}

/* ---------------------------------------------------------------------
 * Pages
 * ---------------------------------------------------------------------
 */

void
keyapi_fetch_use_cached(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
						KeyapiListPage *page)
{
	keyapi_page_request_arrive(request, page);
	keyapi_ledger_book_cached_page(&fetcher->ledger);
}

void
keyapi_fetch_enter_first(KeyapiPageRequest *request)
{
	if (request->status == KEYAPI_REQUEST_ARRIVED &&
		keyapi_listing_num_pages(request->listing_pages) == 0)
		(void) keyapi_page_request_enter(request);
}

/*
 * The pages that the list is said to have, whatever number the API announces; 0
 * if it says nothing.
 */
static int
announced_pages(const KeyapiBlock *block)
{
	int			limit = Max(block->limit, block->nrows);

	if (limit == 0 || block->total_count < 0)
		return 0;
	return (int) Min(block->total_count / limit + (block->total_count % limit > 0),
					 PG_INT32_MAX);
}

/*
 * Let other scans and sessions have the page that has arrived.  Returns the
 * statement's copy.
 */
static KeyapiListPage *
share_page(const KeyapiPageRequest *request, const KeyapiBlock *block,
		   TimestampTz fetched_at)
{
	const KeyapiListingPages *listing_pages = request->listing_pages;
	KeyapiKeptPage kept = {.block = block};
	const KeyapiPage page = {.number = request->number,.nrows = block->nrows,.kept = &kept};
	const KeyapiStoredPage stored = {
		.data = block,
		.len = block->size,
		.rows = block->nrows,
		.last = keyapi_listing_page_is_last(&listing_pages->listing, &page),
		.total_pages = announced_pages(block),
		.fetched_at = fetched_at,
	};

	return keyapi_statement_list_put(listing_pages->statement_list, request->number,
									 &stored);
}

/*
 * When the API sent the page that has just arrived.
 */
static TimestampTz
sent_by_api(const KeyapiFetcher *fetcher, const KeyapiHttpOutcome *outcome)
{
	TimestampTz now = GetCurrentTimestamp();

	return fetcher->server->http_cache ? now - outcome->age_ms * US_PER_MS : now;
}

/*
 * The API's id of the request, which a page has or a failure; or NULL.
 */
static const char *
request_id_of(const KeyapiBlock *block, const KeyapiFailure *failure)
{
	KeyapiSlice id;

	if (block == NULL)
		return failure->request_id;
	id = keyapi_block_request_id(block);
	return id.data == NULL ? NULL : pnstrdup(id.data, id.len);
}

/*
 * Make of a RECEIVED response the page or the failure that it holds.
 */
static void
decode_response(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(request->context);
	const KeyapiHttpOutcome *outcome = keyapi_http_outcome(request->transfer);
	int64		now = keyapi_gate_clock();
	KeyapiFailure failure =
	keyapi_page_request_failure(request, fetcher->server->base_url);
	const KeyapiBlock *block = keyapi_response_read(outcome, &failure);

	keyapi_request_log(fetcher, request, request_id_of(block, &failure), &failure);
	if (is_from_cache(fetcher, request))
		keyapi_ledger_waive_credits(&fetcher->ledger,
									keyapi_page_request_credits(request));
	if (block != NULL)
	{
		(void) tell_gate(fetcher, request, &failure, false, now);
		fetcher->group->works = true;
		keyapi_page_request_arrive(request,
								   share_page(request, block,
											  sent_by_api(fetcher, outcome)));
		keyapi_http_release(request->transfer);
		request->transfer = NULL;
	}
	else
		settle_failure(fetcher, request, &failure, now);
	MemoryContextSwitchTo(oldcontext);
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

TimestampTz
keyapi_fetch_flight_end(const KeyapiFetcher *fetcher)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   (int64) fetcher->server->request_timeout_ms +
									   KEYAPI_FLIGHT_SLACK);
}

void
keyapi_fetch_cancel_unsent(KeyapiFetcher *fetcher, const KeyapiPageRequest *request)
{
	if (!keyapi_http_sent(request->transfer))
		keyapi_ledger_cancel_request(&fetcher->ledger,
									 keyapi_page_request_credits(request),
									 request->attempts > 1);
}

void
keyapi_fetch_receive(KeyapiFetcher *fetcher, const KeyapiPageRequest *needed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);
		const KeyapiHttpOutcome *outcome;

		if (request->status != KEYAPI_REQUEST_IN_FLIGHT ||
			(outcome = keyapi_http_outcome(request->transfer)) == NULL)
			continue;
		keyapi_ledger_book_transfer(&fetcher->ledger, outcome);
		keyapi_fetch_cancel_unsent(fetcher, request);
		keyapi_page_request_receive(request);
		decode_response(fetcher, request);
		if (request != needed)
			keyapi_fetch_enter_first(request);
	}
}
