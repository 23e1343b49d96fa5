/*-------------------------------------------------------------------------
 *
 * ledger.h
 *	  The books of a scan: the one place that counts requests and credits.
 *
 * A request is entered in four books, all of them here and at once:
 *
 *		bill of the scan		KeyapiCost below, for EXPLAIN ANALYZE
 *		budget of the statement	budget.h (setting and option max_credits)
 *		day of the account		shared/account.h (option credits_per_day)
 *		keyapi_fdw_stats		shared/stats.h
 *
 * It is entered when it starts, and taken out again if it turns out that it was
 * not sent; its credits are, if an HTTP cache has answered it.  What a request costs is in api/endpoint.c; when one may start is
 * decided in send.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LEDGER_H
#define KEYAPI_LEDGER_H

#include "compat.h"

#include "api/failure.h"
#include "http/http.h"
#include "options/option.h"
#include "shared/account.h"

/* What requests have cost. */
typedef struct KeyapiCost
{
	int64		requests;		/* retries included */
	int64		retries;
	int64		cached_pages;	/* that needed no request */
	int64		bytes;			/* bodies as received */
	int64		credits;
	double		http_time_ms;	/* ms, summed over the requests */
} KeyapiCost;

/* The caller sets all but cost, which begins with zeroes. */
typedef struct KeyapiLedger
{
	Oid			serverid;
	const KeyapiServerOptions *server;	/* its limits */
	const KeyapiAccountId *account; /* that pays */
	KeyapiCost	cost;
} KeyapiLedger;

/*
 * Whether statement and day may spend that many credits more.
 */
extern bool keyapi_ledger_affords(const KeyapiLedger *ledger, int credits);

/*
 * Credits that the statement may still spend; PG_INT64_MAX if nothing limits them.
 */
extern int64 keyapi_ledger_left(const KeyapiLedger *ledger);

/*
 * Credits that the statement has spent, at all servers (budget.h).
 */
extern int64 keyapi_ledger_spent(void);

/*
 * Raise 54000 if they may not, for the next request.
 */
extern void keyapi_ledger_check_request(const KeyapiLedger *ledger, int credits);

/*
 * Raise 54000 if the statement may not spend that many credits more, which is
 * what reading so many lists can cost.
 */
extern void keyapi_ledger_check_lists(const KeyapiLedger *ledger, int64 credits,
									  int lists);

/*
 * Book a request that costs so many credits, if the account lets it start now, a
 * reading of keyapi_gate_clock.  Else false, and nothing is booked.  retry: the
 * page was asked for before.
 */
extern bool keyapi_ledger_book_request(KeyapiLedger *ledger, int64 now,
									   int credits, bool retry);

/*
 * Undo that: the request was not sent.
 */
extern void keyapi_ledger_cancel_request(KeyapiLedger *ledger, int credits,
										 bool retry);

/*
 * Undo what a request of so many credits costs, but not that it was sent: a cache
 * in front of the API has answered it.
 */
extern void keyapi_ledger_waive_credits(KeyapiLedger *ledger, int credits);

/*
 * Book what a finished request has transferred.
 */
extern void keyapi_ledger_book_transfer(KeyapiLedger *ledger,
										const KeyapiHttpOutcome *outcome);

/*
 * Book that a request has failed, whether it is tried again or not.
 */
extern void keyapi_ledger_book_failure(KeyapiLedger *ledger,
									   const KeyapiFailure *failure);

/*
 * Book a page that needed no request.
 */
extern void keyapi_ledger_book_cached_page(KeyapiLedger *ledger);

/*
 * Book that the scan has returned so many rows more.
 */
extern void keyapi_ledger_book_rows(KeyapiLedger *ledger, int64 rows);

#endif							/* KEYAPI_LEDGER_H */
