/*-------------------------------------------------------------------------
 *
 * receive.c
 *	  What comes back: pages, and failures that are tried again or not.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/fetcher_internal.h"

#include "common/pg_prng.h"
#include "mb/pg_wchar.h"

#include "fetch/response.h"
#include "shared/stats.h"

/* Longest pause before the first retry of a page, in ms; then it doubles. */
#define FIRST_RETRY_WAIT 500

/* ---------------------------------------------------------------------
 * Failures
 * ---------------------------------------------------------------------
 */

/*
 * When to try again, in us from now.
 */
static int64
retry_delay(const KeyapiPageRequest *request, int max_wait)
{
	int64		retry_after = request->failure.retry_after_ms;
	int64		jitter = keyapi_full_jitter(FIRST_RETRY_WAIT,
											request->attempts - 1, max_wait,
											pg_prng_double(&pg_global_prng_state));

	/* the gate keeps all requests back */
	if (request->failure.cause == KEYAPI_RATE_LIMITED)
		return 0;

	/* a connection that was kept alive may have died meanwhile */
	if (request->failure.cause == KEYAPI_BROKEN_TRANSFER && request->attempts == 1)
		return 0;
	return Min(Max(retry_after, 0) * US_PER_MS + jitter,
			   max_wait * US_PER_MS);
}

/*
 * What the failure counts as in keyapi_fdw_stats.
 */
static KeyapiCounter
counter_of(const KeyapiFailure *failure)
{
	int64		status = failure->code != 0 ? failure->code : failure->status;

	switch (failure->cause)
	{
		case KEYAPI_PAYMENT_REQUIRED:
			return KEYAPI_COUNT_ERRORS_402;
		case KEYAPI_RATE_LIMITED:
			return KEYAPI_COUNT_ERRORS_429;
		case KEYAPI_CANNOT_CONNECT:
		case KEYAPI_TLS:
		case KEYAPI_BROKEN_TRANSFER:
		case KEYAPI_TIMED_OUT:
			return KEYAPI_COUNT_ERRORS_NETWORK;
		case KEYAPI_BODY_TOO_LARGE:
		case KEYAPI_TRUNCATED_BODY:
		case KEYAPI_BAD_RESPONSE:
			return KEYAPI_COUNT_ERRORS_RESPONSE;
		default:
			if (status >= 400 && status < 500)
				return KEYAPI_COUNT_ERRORS_4XX;
			return status >= 500 && status < 600 ? KEYAPI_COUNT_ERRORS_5XX :
				KEYAPI_COUNT_ERRORS_RESPONSE;
	}
}

static void
copy_text(char *copy, size_t size, const char *text)
{
	int			len = text == NULL ? 0 :
	pg_encoding_mbcliplen(PG_UTF8, text, strlen(text), size - 1);

	memcpy(copy, text == NULL ? "" : text, len);
	copy[len] = '\0';
}

/*
 * Tell those who wait for the page that there is no use in asking for it.  But
 * who may be trusted, each user of the account decides for himself.
 */
static void
tell_waiters(const KeyapiPageRequest *request)
{
	const KeyapiFailure *failure = &request->failure;
	KeyapiSharedFailure shared_failure = {
		.cause = failure->cause,
		.status = failure->status,
		.code = failure->code,
		.retry_after_ms = failure->retry_after_ms,
		.attempts = failure->attempts,
	};

	if (failure->cause == KEYAPI_TLS)
	{
		keyapi_statement_list_give_up(request->state->statement_list, request->number);
		return;
	}
	copy_text(shared_failure.api_message, sizeof(shared_failure.api_message),
			  failure->api_message);
	copy_text(shared_failure.request_id, sizeof(shared_failure.request_id),
			  failure->request_id);
	copy_text(shared_failure.reason, sizeof(shared_failure.reason), failure->reason);
	keyapi_statement_list_fail(request->state->statement_list, request->number, &shared_failure);
}

static const char *
paste_text(const char *text)
{
	return *text == '\0' ? NULL : pstrdup(text);
}

void
keyapi_fetch_adopt_failure(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
						   const KeyapiSharedFailure *shared_failure)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(request->context);

	request->status = FAILED;
	request->failure = (KeyapiFailure)
	{
		.cause = shared_failure->cause,
			.listing = &request->state->listing,
			.page = request->number,
			.status = shared_failure->status,
			.code = shared_failure->code,
			.api_message = paste_text(shared_failure->api_message),
			.request_id = paste_text(shared_failure->request_id),
			.reason = paste_text(shared_failure->reason),
			.retry_after_ms = shared_failure->retry_after_ms,
			.attempts = shared_failure->attempts,
			.base_url = fetcher->server->base_url,
	};
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Tell the account's gate of an answer.
 */
static void
tell_gate(KeyapiFetcher *fetcher, const KeyapiPageRequest *request, int64 now)
{
	double		random = pg_prng_double(&pg_global_prng_state);
	const KeyapiFailure *failure = &request->failure;
	KeyapiGate *gate = keyapi_account_lock(&fetcher->account);

	if (failure->cause == KEYAPI_OK)
		keyapi_gate_succeeded(gate, request->sent_at_us, now);
	else if (failure->cause == KEYAPI_RATE_LIMITED)
		keyapi_gate_limited(gate, request->sent_at_us, now, failure->retry_after_ms,
							fetcher->server->max_retry_wait_ms, random);
	else if (failure->cause == KEYAPI_PAYMENT_REQUIRED)
		keyapi_gate_refused(gate, now);
	else if (failure->status != 0)
		keyapi_gate_passed(gate, request->sent_at_us);
	keyapi_account_unlock();
}

/*
 * A request has failed: try it again, or leave the failure for when the page
 * is needed.
 */
static void
settle_failure(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	KeyapiFailure *failure = &request->failure;
	int			max_wait = fetcher->server->max_retry_wait_ms;
	int64		delay;

	keyapi_stats_error(fetcher->serverid, counter_of(failure),
					   keyapi_failure_message(failure, fetcher->api_key));
	failure->attempts = request->attempts;
	if (keyapi_cause_is_transient(failure->cause) &&
		request->attempts <= fetcher->server->max_retries &&
		failure->retry_after_ms <= max_wait)
	{
		/* others go on waiting for this session */
		delay = retry_delay(request, max_wait);
		request->status = WAITING;
		request->not_before_us = now + delay;
		keyapi_statement_list_extend(request->state->statement_list, request->number,
									 GetCurrentTimestamp() + delay +
									 fetcher->server->request_timeout_ms * US_PER_MS);
		return;
	}

	/* another session may have got it meanwhile */
	if (keyapi_statement_list_get(request->state->statement_list, request->number) != NULL)
	{
		request->status = WAITING;
		return;
	}
	if (failure->retry_after_ms > max_wait && failure->reason == NULL)
		failure->reason = "it asks for a longer pause than option \"max_retry_wait\" allows";
	request->status = FAILED;
	tell_waiters(request);
}

/* ---------------------------------------------------------------------
 * Pages
 * ---------------------------------------------------------------------
 */

/*
 * Make of an answer the page or the failure that it holds, in the request's
 * context; true if it is a page.
 */
static bool
read_response(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
			  const KeyapiHttpOutcome *outcome, TimestampTz fetched_at)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(request->context);
	KeyapiPage *page = palloc0(sizeof(KeyapiPage));

	request->failure = (KeyapiFailure)
	{
		.listing = &request->state->listing,
			.page = request->number,
			.base_url = fetcher->server->base_url,
	};
	if (keyapi_response_read(outcome, fetcher->paths, fetcher->npaths,
							 &page->data, &request->failure) == KEYAPI_OK)
	{
		page->number = request->number;
		page->fetched_at = fetched_at;
		request->page = page;
		request->status = ARRIVED;
		if (page->data.nitems == 0 || page->data.has_more == 0)
			request->state->last_page = Min(request->state->last_page,
											request->number);
	}
	MemoryContextSwitchTo(oldcontext);
	return request->failure.cause == KEYAPI_OK;
}

void
keyapi_fetch_use_cached(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
						const KeyapiBody *body)
{
	const KeyapiHttpOutcome outcome = {
		.result = KEYAPI_HTTP_RESPONSE,
		.status = 200,
		.body = body->data,
		.body_len = body->len,
		.retry_after_ms = -1,
	};
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_CACHED_PAGES] = 1
	};

	request->awaited = false;
	if (!read_response(fetcher, request, &outcome, body->fetched_at))
	{
		request->status = FAILED;
		return;
	}
	fetcher->cost.cached_pages++;
	keyapi_stats_add(fetcher->serverid, counts, 0);
}

/*
 * The pages that the list is said to have, whatever number the API announces; 0
 * if it says nothing.
 */
static int
announced_pages(const KeyapiDecoded *data)
{
	int			limit = Max(data->limit, data->nitems);

	if (limit == 0 || data->total_count < 0)
		return 0;
	return (int) Min(data->total_count / limit + (data->total_count % limit > 0),
					 PG_INT32_MAX);
}

/*
 * Let others have the page that has arrived.
 */
static void
share_page(KeyapiPageRequest *request, const KeyapiHttpOutcome *outcome)
{
	const KeyapiPage *page = request->page;
	const KeyapiBody body = {
		.data = outcome->body,
		.len = outcome->body_len,
		.rows = page->data.nitems,
		.last = keyapi_listing_page_is_last(&request->state->listing, page),
		.total_pages = announced_pages(&page->data),
		.fetched_at = page->fetched_at,
	};

	keyapi_statement_list_put(request->state->statement_list, request->number, &body);
}

static void
decode_response(KeyapiFetcher *fetcher, KeyapiPageRequest *request)
{
	const KeyapiHttpOutcome *outcome = keyapi_http_outcome(request->transfer);
	int64		now = keyapi_gate_clock();
	bool		good = read_response(fetcher, request, outcome,
									 GetCurrentTimestamp());

	tell_gate(fetcher, request, now);
	if (!good)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(request->context);

		settle_failure(fetcher, request, now);
		MemoryContextSwitchTo(oldcontext);
		return;
	}
	fetcher->works = true;
	share_page(request, outcome);
	keyapi_http_release(request->transfer);
	request->transfer = NULL;
}

static void
count_transfer(KeyapiFetcher *fetcher, const KeyapiHttpOutcome *outcome)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_BYTES] = outcome->wire_bytes
	};

	fetcher->in_flight--;
	fetcher->cost.bytes += outcome->wire_bytes;
	fetcher->cost.http_time_ms += outcome->elapsed_ms;
	keyapi_stats_add(fetcher->serverid, counts, outcome->elapsed_ms);
}

bool
keyapi_fetch_receive(KeyapiFetcher *fetcher)
{
	bool		any = false;
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);
		const KeyapiHttpOutcome *outcome;

		if (request->status != IN_FLIGHT ||
			(outcome = keyapi_http_outcome(request->transfer)) == NULL)
			continue;
		count_transfer(fetcher, outcome);
		keyapi_fetch_settle(fetcher, request);
		request->status = RECEIVED;
		if (keyapi_response_cause(outcome) == KEYAPI_OK)
			any = true;
		else
			decode_response(fetcher, request);
	}
	return any;
}

void
keyapi_fetch_decode(KeyapiFetcher *fetcher, const KeyapiPageRequest *needed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);

		if (request->status != RECEIVED)
			continue;
		decode_response(fetcher, request);
		if (request->status == ARRIVED && request != needed &&
			request->state->pages == NIL)
			(void) keyapi_fetch_enter(request);
	}
}
