/*-------------------------------------------------------------------------
 *
 * give_up.c
 *	  When a page that is needed is not waited for any longer.
 *
 * Three things keep a page back that could be sent: the API has asked for a pause
 * (429, 402), it is known to be down, or another session is asking for the page.
 * Each wait ends by itself, but it may take longer than the session's own tries
 * would.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/give_up.h"

#include "fetch/retry.h"
#include "fetch/shared_failure.h"
#include "fetch/stale.h"

/*
 * The API has asked for a pause, or goes on refusing: failure->cause is set if
 * that is too much.
 */
static void
judge_pause(const KeyapiFetcher *fetcher, KeyapiPageRequest *request,
			const KeyapiGatePause *pause, int64 now, KeyapiFailure *failure)
{
	const KeyapiServerOptions *server = fetcher->server;
	int64		asked_ms = (pause->asked_until_us - now) / US_PER_MS;

	/*
	 * While the gate is closed, one request tries for all that wait: its
	 * refusal counts for each of them.  A request that finds the gate open
	 * tries for itself.
	 */
	request->closings = Min(request->closings, Max(pause->closings, 1));
	if (pause->broke_until_us > now)
	{
		failure->cause = KEYAPI_PAYMENT_REQUIRED;
		failure->retry_after_ms = (pause->broke_until_us - now) / US_PER_MS;
		failure->reason = "it said so less than a minute ago and was not asked again";
	}
	else if (pause->closed_until_us > now && asked_ms > server->max_retry_wait_ms)
	{
		failure->cause = KEYAPI_RATE_LIMITED;
		failure->retry_after_ms = asked_ms;
		failure->reason = "the API asked for a pause that is not over yet";
	}
	else if (pause->closings - request->closings > server->max_retries)
	{
		failure->cause = KEYAPI_RATE_LIMITED;
		failure->retry_after_ms = Max(asked_ms, 0);
		failure->reason = "it refused all requests with this key since the page was needed";
	}
}

/*
 * Count the failed probes of others since the page is needed as tries of it.
 * Returns whether there was any since this was called last.
 */
static bool
count_probes(KeyapiPageRequest *request, const KeyapiOutage *outage)
{
	int64		seen = request->probes_seen;

	request->probes_seen = outage->failed_probes;
	if (seen < 0 || seen >= outage->failed_probes)
		return false;
	request->probes += (int) Min(outage->failed_probes - seen, PG_INT16_MAX);
	return true;
}

/*
 * An outage is known: failure->cause is set if its end is not worth waiting for,
 * or if an old state of the list has been used instead.
 */
static void
judge_outage(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
			 const KeyapiOutage *outage, int64 now, KeyapiFailure *failure)
{
	const KeyapiServerOptions *server = fetcher->server;
	int64		rest_ms = (outage->closed_until_us - now + US_PER_MS - 1) / US_PER_MS;
	bool		failed_again = count_probes(request, outage);
	KeyapiFailure known = *failure;

	if (!keyapi_outage_concerns(outage, &fetcher->patience))
		return;
	known.cause = outage->cause;
	known.status = outage->status;
	known.retry_after_ms = rest_ms > 0 ? rest_ms : -1;
	known.reason = "another request has met that a short time ago, and the API was not asked again";
	if (rest_ms > server->max_retry_wait_ms)
		*failure = known;
	else if (rest_ms > 0 && fetcher->group->in_flight == 0 &&
			 keyapi_stale_use(fetcher, request, &known))
		return;
	else if ((failed_again && outage->cause == KEYAPI_TIMED_OUT) ||
			 request->attempts + request->probes > server->max_retries)
	{
		*failure = known;
		failure->reason = "no request with this key has succeeded since the page was needed";
	}
}

/*
 * Another session has been asking for the page for longer than this one would.
 */
static void
judge_other_session(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request,
					KeyapiFailure *failure)
{
	if (request->awaited_at_us == 0 ||
		request->awaited_us < keyapi_longest_tries(fetcher->server))
		return;
	failure->cause = KEYAPI_TIMED_OUT;
	failure->reason = "another session has been asking for the page for so long";
}

void
keyapi_give_up_hopeless(KeyapiFetcher *fetcher, KeyapiPageRequest *request, int64 now)
{
	const KeyapiGate gate = keyapi_account_gate(&fetcher->account);
	KeyapiFailure failure =
	keyapi_page_request_failure(request, fetcher->server->base_url);

	judge_pause(fetcher, request, &gate.pause, now, &failure);
	if (failure.cause == KEYAPI_OK)
		judge_outage(fetcher, request, &gate.outage, now, &failure);
	if (failure.cause == KEYAPI_OK)
		judge_other_session(fetcher, request, &failure);

	if (request->status != KEYAPI_REQUEST_WAITING)
		return;					/* an old state of the list will do */
	if (failure.cause != KEYAPI_OK)
	{
		keyapi_page_request_fail(request, &failure);
		keyapi_shared_failure_tell(request, fetcher->server);
	}
	else if (fetcher->group->in_flight == 0)
	{
		/* what is under way will be paid for, so let that arrive first */
		keyapi_ledger_check_request(&fetcher->ledger,
									keyapi_page_request_credits(request));
	}
}
