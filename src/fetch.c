/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  Pages of lists, from the API.
 *
 * Each page asked for is a Request that goes from WAITING to IN_FLIGHT to
 * RECEIVED to ARRIVED or FAILED, or back to WAITING for another try.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch.h"

#include "common/pg_prng.h"
#include "lib/ilist.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "answer.h"
#include "budget.h"
#include "credential.h"
#include "error.h"
#include "gate.h"
#include "http.h"
#include "option.h"

/* Longest pause before the first retry of a page, in ms; then it doubles. */
#define FIRST_RETRY_WAIT 500

#define US_PER_MS INT64CONST(1000)

#define NEVER PG_INT64_MAX

typedef enum RequestStatus
{
	WAITING,					/* to be sent, perhaps again */
	IN_FLIGHT,
	RECEIVED,					/* with a good status, not decoded yet */
	ARRIVED,					/* page is there, not in the list yet */
	FAILED						/* failure tells why */
} RequestStatus;

typedef struct Request
{
	dlist_node	node;
	KeyapiListState *state;
	int			number;			/* of the page */
	RequestStatus status;
	MemoryContext context;		/* of the latest attempt, transfer included;
								 * in the end, of the page */
	int			attempts;		/* sent so far */
	int64		not_before;		/* WAITING: earliest time, by the gate's clock */
	int64		sent_at;
	KeyapiTransfer *transfer;
	KeyapiPage *page;
	KeyapiFailure failure;
} Request;

struct KeyapiFetcher
{
	MemoryContext context;
	Oid			serverid;
	Oid			userid;
	const char *const *paths;
	int			npaths;

	/* set at the first request */
	KeyapiServerOptions *server;
	char	   *api_key;
	KeyapiGate *gate;

	dlist_head	requests;		/* in the order they were asked for */
	int			in_flight;
	bool		works;			/* a page has arrived */
	KeyapiCost	cost;
};

KeyapiFetcher *
keyapi_fetcher_create(Oid serverid, Oid userid,
					  const char *const *paths, int npaths)
{
	KeyapiFetcher *fetcher = palloc0(sizeof(KeyapiFetcher));

	fetcher->context = CurrentMemoryContext;
	fetcher->serverid = serverid;
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

	if (fetcher->gate != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	fetcher->server = keyapi_server_options(fetcher->serverid);
	fetcher->api_key = keyapi_api_key(fetcher->userid, fetcher->serverid);
	fetcher->gate = keyapi_gate_find(fetcher->server->base_url,
									 fetcher->api_key);
	MemoryContextSwitchTo(oldcontext);
}

/* ---------------------------------------------------------------------
 * The requests of a fetcher
 * ---------------------------------------------------------------------
 */

static Request *
find_request(KeyapiFetcher *fetcher, const KeyapiListState *state, int number)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		Request    *request = dlist_container(Request, node, iter.cur);

		if (request->state == state && request->number == number)
			return request;
	}
	return NULL;
}

static Request *
add_request(KeyapiFetcher *fetcher, KeyapiListState *state, int number)
{
	Request    *request;

	prepare_requests(fetcher);
	request = MemoryContextAllocZero(fetcher->context, sizeof(Request));
	request->context = AllocSetContextCreate(fetcher->context,
											 "keyapi_fdw page",
											 ALLOCSET_START_SMALL_SIZES);
	request->state = state;
	request->number = number;
	request->status = WAITING;
	dlist_push_tail(&fetcher->requests, &request->node);
	return request;
}

/*
 * Enter the page of a request into its list, and forget the request.
 */
static KeyapiPage *
enter_page(Request *request)
{
	KeyapiPage *page = request->page;

	keyapi_list_add(request->state, page);
	dlist_delete(&request->node);
	pfree(request);
	return page;
}

/* ---------------------------------------------------------------------
 * Answers
 * ---------------------------------------------------------------------
 */

/*
 * When to try again, in us from now.
 */
static int64
retry_delay(const Request *request, int max_wait)
{
	int64		retry_after = request->failure.retry_after;
	int64		jitter = keyapi_full_jitter(FIRST_RETRY_WAIT,
											request->attempts - 1, max_wait,
											pg_prng_double(&pg_global_prng_state));

	/* the gate keeps all requests back */
	if (request->failure.cause == KEYAPI_RATE_LIMITED)
		return 0;

	/* a connection that was kept alive may have died meanwhile */
	if (request->failure.cause == KEYAPI_BROKEN_TRANSFER && request->attempts == 1)
		return 0;
	return retry_after > 0 ? retry_after * US_PER_MS + jitter : jitter;
}

/*
 * A request has failed: try it again, or leave the failure for when the page
 * is needed.
 */
static void
settle_failure(KeyapiFetcher *fetcher, Request *request, int64 now)
{
	KeyapiFailure *failure = &request->failure;
	int			max_wait = fetcher->server->max_retry_wait;

	if (failure->cause == KEYAPI_RATE_LIMITED)
		keyapi_gate_limited(fetcher->gate, request->sent_at, now,
							failure->retry_after, max_wait,
							pg_prng_double(&pg_global_prng_state));
	else if (failure->cause == KEYAPI_PAYMENT_REQUIRED)
		keyapi_gate_refused(fetcher->gate, now);

	failure->attempts = request->attempts;
	if (keyapi_cause_is_transient(failure->cause) &&
		request->attempts <= fetcher->server->max_retries &&
		failure->retry_after <= max_wait)
	{
		request->status = WAITING;
		request->not_before = now + retry_delay(request, max_wait);
		return;
	}
	if (failure->retry_after > max_wait && failure->reason == NULL)
		failure->reason = "it asks for a longer pause than option \"max_retry_wait\" allows";
	request->status = FAILED;
}

/*
 * Make of an answer the page or the failure that it holds.
 */
static void
decode_answer(KeyapiFetcher *fetcher, Request *request)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(request->context);
	int64		now = keyapi_gate_clock();
	KeyapiPage *page = palloc0(sizeof(KeyapiPage));

	request->failure = (KeyapiFailure)
	{
		.list = &request->state->list,
			.page = request->number,
			.base_url = fetcher->server->base_url,
	};
	if (keyapi_answer_read(keyapi_http_outcome(request->transfer),
						   fetcher->paths, fetcher->npaths,
						   &page->data, &request->failure) == KEYAPI_OK)
	{
		page->number = request->number;
		page->fetched_at = GetCurrentTimestamp();
		request->page = page;
		request->status = ARRIVED;
		keyapi_http_release(request->transfer);
		request->transfer = NULL;
		if (page->data.nvideos == 0 || page->data.has_more == 0)
			request->state->last_page = Min(request->state->last_page,
											request->number);
		keyapi_gate_succeeded(fetcher->gate, now);
		fetcher->works = true;
	}
	else
		settle_failure(fetcher, request, now);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Take in the answers that are there.  The good ones are left to be decoded
 * when the next requests are on their way; true if there are any.
 */
static bool
receive_answers(KeyapiFetcher *fetcher)
{
	bool		any = false;
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests)
	{
		Request    *request = dlist_container(Request, node, iter.cur);
		const KeyapiHttpOutcome *outcome;

		if (request->status != IN_FLIGHT ||
			(outcome = keyapi_http_outcome(request->transfer)) == NULL)
			continue;
		fetcher->in_flight--;
		fetcher->cost.bytes += outcome->wire_bytes;
		fetcher->cost.http_time += outcome->elapsed;
		request->status = RECEIVED;
		if (keyapi_answer_cause(outcome) == KEYAPI_OK)
			any = true;
		else
			decode_answer(fetcher, request);
	}
	return any;
}

static void
decode_answers(KeyapiFetcher *fetcher, const Request *needed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests)
	{
		Request    *request = dlist_container(Request, node, iter.cur);

		if (request->status != RECEIVED)
			continue;
		decode_answer(fetcher, request);
		if (request->status == ARRIVED && request != needed &&
			request->state->pages == NIL)
			(void) enter_page(request);
	}
}

/* ---------------------------------------------------------------------
 * Sending
 * ---------------------------------------------------------------------
 */

static void
send_request(KeyapiFetcher *fetcher, Request *request, int64 now)
{
	const KeyapiServerOptions *server = fetcher->server;
	const KeyapiList *list = &request->state->list;
	const KeyapiHttpOptions options = {
		.ca_file = server->ca_file,
		.proxy = server->proxy,
		.connect_timeout = server->connect_timeout,
		.request_timeout = server->request_timeout,
	};
	MemoryContext oldcontext;

	/* with what is left of the attempt before */
	MemoryContextReset(request->context);
	oldcontext = MemoryContextSwitchTo(request->context);
	request->transfer = keyapi_http_start(keyapi_list_url(list, server->base_url,
														  request->number),
										  fetcher->api_key, &options);
	MemoryContextSwitchTo(oldcontext);

	request->status = IN_FLIGHT;
	request->sent_at = now;
	fetcher->in_flight++;
	fetcher->cost.requests++;
	fetcher->cost.retries += request->attempts > 0;
	request->attempts++;
	fetcher->cost.credits += list->endpoint->credits;
	keyapi_budget_spend(fetcher->serverid, list->endpoint->credits);
	keyapi_gate_start(fetcher->gate, now, server->requests_per_second);
}

/*
 * Send a waiting request if it may be sent now; else tell when that may be, or
 * NEVER if something has to happen before.
 */
static int64
try_to_send(KeyapiFetcher *fetcher, Request *request, int64 now)
{
	const KeyapiServerOptions *server = fetcher->server;
	int64		earliest;

	if (request->status != WAITING ||
		fetcher->in_flight >= server->max_concurrency ||
		keyapi_budget_left(fetcher->serverid, server->max_credits) <
		request->state->list.endpoint->credits)
		return NEVER;
	earliest = Max(request->not_before,
				   keyapi_gate_opens(fetcher->gate, now,
									 server->requests_per_second));
	if (earliest > now)
		return earliest;
	send_request(fetcher, request, now);
	return NEVER;
}

/*
 * Raise why a page that is needed cannot be sent for in any near future.
 */
static void
check_prospects(KeyapiFetcher *fetcher, Request *request, int64 now)
{
	const KeyapiGate *gate = fetcher->gate;
	int64		pause = (gate->closed_until - now) / US_PER_MS;
	KeyapiFailure failure = {
		.list = &request->state->list,
		.page = request->number,
		.base_url = fetcher->server->base_url,
	};

	if (gate->broke_until > now)
	{
		failure.cause = KEYAPI_PAYMENT_REQUIRED;
		failure.retry_after = (gate->broke_until - now) / US_PER_MS;
		failure.reason = "it said so less than a minute ago and was not asked again";
		keyapi_throw(&failure, fetcher->api_key);
	}
	if (pause > fetcher->server->max_retry_wait)
	{
		failure.cause = KEYAPI_RATE_LIMITED;
		failure.retry_after = pause;
		failure.reason = "the API asked for a pause that is not over yet";
		keyapi_throw(&failure, fetcher->api_key);
	}
	keyapi_budget_check(fetcher->serverid, fetcher->server->max_credits,
						request->state->list.endpoint->credits, 0);
}

/*
 * Send what may be sent, the page that is needed first.  Returns when there
 * may be more to send, or NEVER.
 */
static int64
send_requests(KeyapiFetcher *fetcher, Request *needed)
{
	int64		now = keyapi_gate_clock();
	int64		next = NEVER;
	dlist_iter	iter;

	if (needed != NULL && needed->status == WAITING)
	{
		check_prospects(fetcher, needed, now);
		next = try_to_send(fetcher, needed, now);
	}
	dlist_foreach(iter, &fetcher->requests)
	{
		Request    *request = dlist_container(Request, node, iter.cur);

		/* whoever needs a later page will meet this failure before */
		if (request->status == FAILED)
			break;
		if (request != needed && request->number <= request->state->last_page)
			next = Min(next, try_to_send(fetcher, request, now));
	}
	return next;
}

/*
 * Do what can be done without waiting.  Returns when there may be more to do
 * even if nothing arrives, or NEVER.
 */
static int64
advance(KeyapiFetcher *fetcher, Request *needed)
{
	bool		to_decode = receive_answers(fetcher);
	int64		next = send_requests(fetcher, needed);

	if (to_decode)
	{
		/* the network works while we decode */
		keyapi_http_drive(0, PG_WAIT_EXTENSION);
		decode_answers(fetcher, needed);
		return 0;
	}
	return next;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

KeyapiPage *
keyapi_fetch_page(KeyapiFetcher *fetcher, KeyapiListState *state, int number)
{
	Request    *request = find_request(fetcher, state, number);

	if (request == NULL)
		request = add_request(fetcher, state, number);
	for (;;)
	{
		int64		next = advance(fetcher, request);
		long		timeout = -1;

		if (request->status == ARRIVED)
			return enter_page(request);
		if (request->status == FAILED)
			keyapi_throw(&request->failure, fetcher->api_key);
		if (next != NEVER)
			timeout = (Max(next - keyapi_gate_clock(), 0) + US_PER_MS - 1) / US_PER_MS;
		keyapi_http_drive(timeout, PG_WAIT_EXTENSION);
	}
}

void
keyapi_fetch_ahead(KeyapiFetcher *fetcher, KeyapiListState *state, int number)
{
	if (find_request(fetcher, state, number) == NULL)
		(void) add_request(fetcher, state, number);
}

void
keyapi_fetch_push(KeyapiFetcher *fetcher)
{
	if (dlist_is_empty(&fetcher->requests))
		return;
	(void) advance(fetcher, NULL);
	if (fetcher->in_flight > 0)
		keyapi_http_drive(0, PG_WAIT_EXTENSION);
}

bool
keyapi_fetch_pending(KeyapiFetcher *fetcher, const KeyapiListState *state,
					 int number)
{
	return find_request(fetcher, state, number) != NULL;
}

void
keyapi_fetch_forget(KeyapiFetcher *fetcher)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests)
	{
		Request    *request = dlist_container(Request, node, iter.cur);

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
		const Request *request = dlist_container(Request, node, iter.cur);

		unread += request->status == IN_FLIGHT ||
			request->status == RECEIVED || request->status == ARRIVED;
	}
	return unread;
}
