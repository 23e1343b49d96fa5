/*-------------------------------------------------------------------------
 *
 * send.c
 *	  When a page request may start.
 *
 * In this order: there must be room (max_concurrency), money (ledger.c), time
 * (the pause before a retry, and the account's gate), and no other session that
 * has the page or asks for it (statement_lists.c).  When there is no use in
 * waiting for all that: give_up.c.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/send.h"

#include "utils/memutils.h"

#include "fetch/give_up.h"
#include "fetch/receive.h"
#include "fetch/shared_failure.h"
#include "fetch/statement_lists.h"
#include "shared/cache.h"

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
 * Another session is asking for the page, and was when this was noted last, or
 * before was 0.  Returns when to look again.
 */
static int64
note_awaited(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 before,
			 int64 now)
{
	if (before != 0 && request->waiter.urgent)
		request->awaited_us += now - before;
	request->awaited_at_us = now;
	return now + KEYAPI_FLIGHT_POLL * US_PER_MS;
}

/*
 * It is this request's turn: find the page elsewhere, or send the request.
 * Returns when to try again, or KEYAPI_NEVER.  awaited_before is what
 * awaited_at_us was.
 */
static int64
find_or_send(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
			 int64 awaited_before, int64 now)
{
	KeyapiStatementList *list = request->listing_pages->statement_list;
	KeyapiFinding finding;

	switch (keyapi_statement_list_look(list, request->number,
									   keyapi_fetch_flight_end(fetcher),
									   &request->waiter, &finding))
	{
		case KEYAPI_PAGE_HERE:
			keyapi_fetch_use_cached(fetcher, request, finding.page);
			return KEYAPI_NEVER;
		case KEYAPI_PAGE_REFUSED:
			keyapi_shared_failure_adopt(request, &finding.shared_failure,
										fetcher->server);
			return KEYAPI_NEVER;
		case KEYAPI_PAGE_AWAITED:
			return note_awaited(fetcher, request, awaited_before, now);
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
 * Whether a fetcher has asked for the page of a request by another one: the answer
 * will do for both.  Its next try, after a failure, is waited for unless the page is
 * needed now.
 */
static bool
has_asked(KeyapiFetcher *fetcher, const KeyapiPageRequest *request, bool urgent)
{
	dlist_iter	iter;

	dlist_foreach(iter, &fetcher->requests.list)
	{
		const KeyapiPageRequest *other = keyapi_page_request_at(iter);

		if (other != request && other->number == request->number &&
			other->listing_pages->statement_list ==
			request->listing_pages->statement_list &&
			(other->status == KEYAPI_REQUEST_IN_FLIGHT ||
			 (!urgent && other->status == KEYAPI_REQUEST_WAITING &&
			  other->attempts > 0)))
			return true;
	}
	return false;
}

static bool
is_asked_in_group(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request,
				  bool urgent)
{
	KeyapiFetchGroup *group = fetcher->group;
	dlist_iter	iter;

	if (group->driven != NULL && has_asked(group->driven, request, urgent))
		return true;
	dlist_foreach(iter, &group->lent)
	{
		if (has_asked(dlist_container(KeyapiFetcher, lent_node, iter.cur),
					  request, urgent))
			return true;
	}
	return false;
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
	int64		awaited_before = request->awaited_at_us;
	KeyapiGate	gate;
	int64		earliest;

	if (request->status != KEYAPI_REQUEST_WAITING ||
		fetcher->group->in_flight >= server->max_concurrency ||
		is_asked_in_group(fetcher, request, urgent) ||
		!keyapi_ledger_affords(&fetcher->ledger,
							   keyapi_page_request_credits(request)))
		return KEYAPI_NEVER;
	request->awaited_at_us = 0;
	gate = keyapi_account_gate(&fetcher->account);
	earliest = Max(request->not_before_us,
				   keyapi_gate_opens(&gate, now, server->requests_per_second,
									 &fetcher->patience));
	if (earliest > now)
	{
		/* another session may get an answer earlier */
		keyapi_flight_begin_wait(&request->waiter);
		return Min(earliest, now + KEYAPI_FLIGHT_POLL * US_PER_MS);
	}
	request->waiter.urgent = urgent;
	return find_or_send(fetcher, request, awaited_before, now);
}

/*
 * Use the pages that were cached since they were asked for, and adopt the
 * failures of sessions that were asking for them.
 */
static void
adopt_news(KeyapiFetcher *fetcher, const KeyapiPageRequest *needed)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &fetcher->requests.list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);
		KeyapiStatementList *list = request->listing_pages->statement_list;
		KeyapiListPage *page;
		KeyapiSharedFailure failure;

		if (request->status != KEYAPI_REQUEST_WAITING)
			continue;
		page = keyapi_statement_list_get(list, request->number);
		if (page != NULL)
		{
			keyapi_fetch_use_cached(fetcher, request, page);
			if (request != needed)
				keyapi_fetch_enter_first(request);
		}
		else if (keyapi_statement_list_is_refused(list, request->number,
												  &request->waiter, &failure))
			keyapi_shared_failure_adopt(request, &failure, fetcher->server);
	}
}

int64
keyapi_fetch_send(KeyapiFetcher *fetcher, KeyapiPageRequest *needed)
{
	int64		now = keyapi_gate_clock();
	int64		next = KEYAPI_NEVER;
	dlist_iter	iter;

	adopt_news(fetcher, needed);
	if (needed != NULL && needed->status == KEYAPI_REQUEST_WAITING)
	{
		keyapi_give_up_hopeless(fetcher, needed, now);
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

	if (fetcher->group->in_flight > 0)
		return KEYAPI_WAIT_REQUEST;
	if (request->awaited_at_us != 0)
		return KEYAPI_WAIT_SESSION;
	if (keyapi_outage_concerns(&gate.outage, &fetcher->patience))
		return KEYAPI_WAIT_OUTAGE;
	if (gate.pause.closed_until_us > now || gate.pause.closings > 0)
		return KEYAPI_WAIT_RATE_LIMIT;
	return request->not_before_us > now ? KEYAPI_WAIT_RETRY : KEYAPI_WAIT_PACING;
}
