/*-------------------------------------------------------------------------
 *
 * send.c
 *	  When a page is sent for.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/fetcher_internal.h"

#include "utils/memutils.h"

#include "fetch/budget.h"
#include "shared/single_flight.h"
#include "shared/stats.h"

static int
price(const KeyapiPageRequest *request)
{
	return request->state->listing.endpoint->credits;
}

/*
 * Until when others are to wait for this session's answer.
 */
static TimestampTz
flight_end(const KeyapiFetcher *fetcher)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									   fetcher->server->request_timeout_ms);
}

/*
 * Count a request; or, if number is -1, one that was counted too early.
 */
static void
count_request(KeyapiFetcher *fetcher, const KeyapiPageRequest *request, int number)
{
	const int	credits = number * price(request);
	const int	retries = request->attempts > 1 ? number : 0;
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_REQUESTS] = number,
		[KEYAPI_COUNT_RETRIES] = retries,
		[KEYAPI_COUNT_CREDITS] = credits,
	};

	fetcher->cost.requests += number;
	fetcher->cost.retries += retries;
	fetcher->cost.credits += credits;
	keyapi_budget_spend(fetcher->serverid, credits);
	keyapi_stats_add(fetcher->serverid, counts, 0);
}

void
keyapi_fetch_settle(KeyapiFetcher *fetcher, const KeyapiPageRequest *request)
{
	if (keyapi_http_sent(request->transfer))
		return;
	count_request(fetcher, request, -1);
	keyapi_account_refund(&fetcher->account, price(request));
}

static void
send_request(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	const KeyapiServerOptions *server = fetcher->server;
	const KeyapiListing *list = &request->state->listing;
	const KeyapiHttpOptions options = {
		.ca_file = server->ca_file,
		.proxy = server->proxy,
		.connect_timeout_ms = server->connect_timeout_ms,
		.request_timeout_ms = server->request_timeout_ms,
	};
	MemoryContext oldcontext;

	/* with what is left of the attempt before */
	MemoryContextReset(request->context);
	oldcontext = MemoryContextSwitchTo(request->context);
	request->transfer = keyapi_http_start(keyapi_listing_url(list, server->base_url,
															 request->number),
										  fetcher->api_key, &options);
	MemoryContextSwitchTo(oldcontext);

	request->status = IN_FLIGHT;
	request->sent_at_us = now;
	request->attempts++;
	fetcher->in_flight++;
	count_request(fetcher, request, 1);
}

/*
 * Whether statement and day may spend what the request costs.
 */
static bool
affordable(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request)
{
	const KeyapiServerOptions *server = fetcher->server;

	if (keyapi_budget_left(fetcher->serverid, server->max_credits) < price(request))
		return false;
	return server->credits_per_day < 0 ||
		keyapi_account_spent(&fetcher->account) + price(request) <=
		server->credits_per_day;
}

/*
 * Send a waiting request if it may be sent now; else tell when that may be, or
 * NEVER if something has to happen before.
 */
static int64
try_to_send(KeyapiFetcher *fetcher, KeyapiPageRequest *request, bool urgent,
			int64 now)
{
	const KeyapiServerOptions *server = fetcher->server;
	KeyapiStatementList *statement_list = request->state->statement_list;
	KeyapiGate	gate;
	int64		earliest;
	KeyapiFinding finding;

	if (request->status != WAITING ||
		fetcher->in_flight >= server->max_concurrency ||
		!affordable(fetcher, request))
		return NEVER;
	gate = keyapi_account_gate(&fetcher->account);
	earliest = Max(request->not_before_us,
				   keyapi_gate_opens(&gate, now, server->requests_per_second));
	if (earliest > now)
	{
		/* an answer to another session may come earlier */
		request->awaited = false;
		keyapi_statement_list_begin_wait(statement_list, &request->waiter);
		return Min(earliest, now + KEYAPI_FLIGHT_POLL * US_PER_MS);
	}

	request->waiter.urgent = urgent;
	switch (keyapi_statement_list_look(statement_list, request->number, flight_end(fetcher),
									   &request->waiter, &finding))
	{
		case KEYAPI_PAGE_HERE:
			keyapi_fetch_use_cached(fetcher, request, finding.body);
			return NEVER;
		case KEYAPI_PAGE_REFUSED:
			keyapi_fetch_adopt_failure(fetcher, request, &finding.shared_failure);
			return NEVER;
		case KEYAPI_PAGE_AWAITED:
			request->awaited = true;
			return now + KEYAPI_FLIGHT_POLL * US_PER_MS;
		case KEYAPI_PAGE_YOURS:
			break;
	}
	request->awaited = false;
	if (keyapi_account_start(&fetcher->account, now, server->requests_per_second,
							 price(request), server->credits_per_day) !=
		KEYAPI_START_NOW)
	{
		/* another session was faster */
		keyapi_statement_list_give_up(statement_list, request->number);
		return now + US_PER_MS;
	}
	send_request(fetcher, request, now);
	return NEVER;
}

/*
 * Whether answers are awaited, or are there and not decoded yet.
 */
static bool
is_busy(KeyapiFetcher *fetcher)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		const KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node,
														   iter.cur);

		if (request->status == IN_FLIGHT || request->status == RECEIVED)
			return true;
	}
	return false;
}

/*
 * Fail a page that is needed if the API said that it will refuse it; raise
 * 54000 if it may not be paid for.
 */
static void
fail_if_hopeless(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	KeyapiGate	gate = keyapi_account_gate(&fetcher->account);
	const KeyapiServerOptions *server = fetcher->server;
	int64		pause = (gate.pause.closed_until_us - now) / US_PER_MS;
	KeyapiFailure failure = {
		.listing = &request->state->listing,
		.page = request->number,
		.attempts = request->attempts,
		.base_url = server->base_url,
	};

	/*
	 * One request tries for all who wait: its refusal is theirs, too.  But
	 * that which finds the gate open tries for itself.
	 */
	request->closings = Min(request->closings, Max(gate.pause.closings, 1));
	if (gate.pause.broke_until_us > now)
	{
		failure.cause = KEYAPI_PAYMENT_REQUIRED;
		failure.retry_after_ms = (gate.pause.broke_until_us - now) / US_PER_MS;
		failure.reason = "it said so less than a minute ago and was not asked again";
	}
	else if (pause > server->max_retry_wait_ms)
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
	{
		request->failure = failure;
		request->status = FAILED;
		return;
	}

	/* what is under way will be paid for, so let it arrive first */
	if (affordable(fetcher, request) || is_busy(fetcher))
		return;
	keyapi_budget_check(fetcher->serverid, server->max_credits,
						price(request), 0);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a request needs %d credits, but option \"credits_per_day\" of the server allows %d and " INT64_FORMAT " are spent today",
					price(request), server->credits_per_day,
					keyapi_account_spent(&fetcher->account)),
			 errdetail("The next request was not sent."),
			 errhint("Wait until tomorrow (UTC), or raise option \"credits_per_day\" of the server.")));
}

/*
 * Take the pages that were paid for since they were asked for.
 */
static void
take_paid(KeyapiFetcher *fetcher, const KeyapiPageRequest *needed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);
		const KeyapiBody *body;

		if (request->status != WAITING ||
			(body = keyapi_statement_list_get(request->state->statement_list,
											  request->number)) == NULL)
			continue;
		keyapi_fetch_use_cached(fetcher, request, body);
		if (request->status == ARRIVED && request != needed &&
			request->state->pages == NIL)
			(void) keyapi_fetch_enter(request);
	}
}

int64
keyapi_fetch_send(KeyapiFetcher *fetcher, KeyapiPageRequest *needed)
{
	int64		now = keyapi_gate_clock();
	int64		next = NEVER;
	dlist_iter	iter;

	take_paid(fetcher, needed);
	if (needed != NULL && needed->status == WAITING)
	{
		fail_if_hopeless(fetcher, needed, now);
		next = try_to_send(fetcher, needed, true, now);
	}
	dlist_foreach(iter, &fetcher->requests)
	{
		KeyapiPageRequest *request = dlist_container(KeyapiPageRequest, node, iter.cur);

		/* whoever needs a later page will meet this failure before */
		if (request->status == FAILED)
			break;
		if (request != needed && request->number <= request->state->last_page)
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

	if (fetcher->in_flight > 0)
		return KEYAPI_WAIT_REQUEST;
	if (request->awaited)
		return KEYAPI_WAIT_SESSION;
	if (gate.pause.closed_until_us > now || gate.pause.closings > 0)
		return KEYAPI_WAIT_RATE_LIMIT;
	return request->not_before_us > now ? KEYAPI_WAIT_RETRY : KEYAPI_WAIT_PACING;
}
