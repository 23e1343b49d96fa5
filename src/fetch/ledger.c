/*-------------------------------------------------------------------------
 *
 * ledger.c
 *	  The books of a scan: the one place that counts requests and credits.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/ledger.h"

#include "fetch/budget.h"
#include "shared/stats.h"

/* ---------------------------------------------------------------------
 * What may be spent
 * ---------------------------------------------------------------------
 */

bool
keyapi_ledger_affords(const KeyapiLedger *ledger, int credits)
{
	const KeyapiServerOptions *server = ledger->server;

	if (keyapi_budget_left(ledger->serverid, server->max_credits) < credits)
		return false;
	return server->credits_per_day < 0 ||
		keyapi_account_spent(ledger->account) + credits <= server->credits_per_day;
}

int64
keyapi_ledger_left(const KeyapiLedger *ledger)
{
	return keyapi_budget_left(ledger->serverid, ledger->server->max_credits);
}

int64
keyapi_ledger_spent(void)
{
	return keyapi_budget_spent();
}

void
keyapi_ledger_check_request(const KeyapiLedger *ledger, int credits)
{
	if (keyapi_ledger_affords(ledger, credits))
		return;
	keyapi_budget_check(ledger->serverid, ledger->server->max_credits, credits, 0);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a request needs %d credits, but option \"credits_per_day\" of the server allows %d and " INT64_FORMAT " are spent today",
					credits, ledger->server->credits_per_day,
					keyapi_account_spent(ledger->account)),
			 errdetail_plural("The statement has spent " INT64_FORMAT " credit; the next request was not sent.",
							  "The statement has spent " INT64_FORMAT " credits; the next request was not sent.",
							  keyapi_ledger_spent(), keyapi_ledger_spent()),
			 errhint("Wait until tomorrow (UTC), or raise option \"credits_per_day\" of the server.")));
}

void
keyapi_ledger_check_lists(const KeyapiLedger *ledger, int64 credits, int lists)
{
	keyapi_budget_check(ledger->serverid, ledger->server->max_credits, credits,
						lists);
}

/* ---------------------------------------------------------------------
 * Booking
 * ---------------------------------------------------------------------
 */

/*
 * Book a request in all books but the account's; number is 1, or -1 to take it
 * out again.
 */
static void
book_request(KeyapiLedger *ledger, int number, int credits, bool retry)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_REQUESTS] = number,
		[KEYAPI_COUNT_RETRIES] = retry ? number : 0,
		[KEYAPI_COUNT_CREDITS] = number * credits,
	};

	ledger->cost.requests += number;
	ledger->cost.retries += retry ? number : 0;
	ledger->cost.credits += number * credits;
	keyapi_budget_spend(ledger->serverid, number * credits);
	keyapi_stats_add(ledger->serverid, counts, 0);
}

bool
keyapi_ledger_book_request(KeyapiLedger *ledger, int64 now, int credits,
						   bool retry)
{
	const KeyapiServerOptions *server = ledger->server;

	if (keyapi_account_start(ledger->account, now, server->requests_per_second,
							 credits, server->credits_per_day) !=
		KEYAPI_START_NOW)
		return false;
	book_request(ledger, 1, credits, retry);
	return true;
}

void
keyapi_ledger_cancel_request(KeyapiLedger *ledger, int credits, bool retry)
{
	book_request(ledger, -1, credits, retry);
	keyapi_account_refund(ledger->account, credits);
}

void
keyapi_ledger_waive_credits(KeyapiLedger *ledger, int credits)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_CREDITS] = -credits,
	};

	ledger->cost.credits -= credits;
	keyapi_budget_spend(ledger->serverid, -credits);
	keyapi_stats_add(ledger->serverid, counts, 0);
	keyapi_account_refund(ledger->account, credits);
}

void
keyapi_ledger_book_transfer(KeyapiLedger *ledger, const KeyapiHttpOutcome *outcome)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_BYTES] = outcome->wire_bytes
	};

	ledger->cost.bytes += outcome->wire_bytes;
	ledger->cost.http_time_ms += outcome->elapsed_ms;
	keyapi_stats_add(ledger->serverid, counts, outcome->elapsed_ms);
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
		case KEYAPI_CERTIFICATE_EXPIRED:
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

void
keyapi_ledger_book_failure(KeyapiLedger *ledger, const KeyapiFailure *failure)
{
	keyapi_stats_error(ledger->serverid, counter_of(failure),
					   keyapi_failure_message(failure));
}

void
keyapi_ledger_book_cached_page(KeyapiLedger *ledger)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_CACHED_PAGES] = 1
	};

	ledger->cost.cached_pages++;
	keyapi_stats_add(ledger->serverid, counts, 0);
}

void
keyapi_ledger_book_rows(KeyapiLedger *ledger, int64 rows)
{
	const int64 counts[KEYAPI_NUM_COUNTERS] = {
		[KEYAPI_COUNT_ROWS] = rows
	};

	if (rows > 0)
		keyapi_stats_add(ledger->serverid, counts, 0);
}
