/*-------------------------------------------------------------------------
 *
 * budget.h
 *	  How many credits a statement may spend, and has spent.
 *
 * Only ledger.c books in here.  What an account may spend on a day is in
 * shared/account.c.
 *
 * A statement is one message of the client, and what functions, triggers and
 * procedures run within it.  A query that outlives its statement (a cursor) goes
 * on with that statement's budget, and so does what runs within it.  So a request
 * counts for the statement of the moment, and for that of each query that is
 * running; each of them must be able to pay.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_BUDGET_H
#define KEYAPI_BUDGET_H

#include "compat.h"

#include "datatype/timestamp.h"
#include "utils/portal.h"

/*
 * Define the settings; once, when the library is loaded.
 */
extern void keyapi_budget_init(void);

/* ---- which queries are running ---- */

/* A run of the executor that is under way.  The caller only keeps it. */
typedef struct KeyapiBudgetRun
{
	struct KeyapiBudgetRun *outer;	/* the run that it is part of, or NULL */
	Portal		portal;			/* of the query, or NULL */
	TimestampTz statement;		/* that the query began in */
	bool		repeats;		/* an outer run is of the same statement */
} KeyapiBudgetRun;

/*
 * The executor begins to run a query, and has ended to, by an error too.  Runs
 * nest.
 */
extern void keyapi_budget_begin_run(KeyapiBudgetRun *run);
extern void keyapi_budget_end_run(const KeyapiBudgetRun *run);

/* ---- money ---- */

/*
 * Credits that may still be spent now at this server, whose option max_credits
 * is server_max (-1: not set); PG_INT64_MAX if nothing limits them.
 */
extern int64 keyapi_budget_left(Oid serverid, int server_max);

/*
 * Credits that the statement has spent, or the query that is running and began
 * earlier, if that has spent more.
 */
extern int64 keyapi_budget_spent(void);

/*
 * Raise 54000 if needed credits more may not be spent.  lists is how many lists
 * these pay for, or 0 if they pay for just the next request.
 */
extern void keyapi_budget_check(Oid serverid, int server_max, int64 needed,
								int lists);

/*
 * A request is sent that costs so many credits; or, if they are negative, has not
 * been sent after all.
 */
extern void keyapi_budget_spend(Oid serverid, int credits);

#endif							/* KEYAPI_BUDGET_H */
