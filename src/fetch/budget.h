/*-------------------------------------------------------------------------
 *
 * budget.h
 *	  How many credits a statement may spend, and has spent.
 *
 * Only ledger.c books in here.  What an account may spend on a day is in
 * shared/account.c.
 *
 * A statement is one message of the client: what functions, triggers and
 * procedures run within it shares its budget, and each FETCH has a new one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_BUDGET_H
#define KEYAPI_BUDGET_H

#include "compat.h"

/*
 * Define the settings; once, when the library is loaded.
 */
extern void keyapi_budget_init(void);

/*
 * Credits that the current statement may still spend at this server, whose
 * option max_credits is server_max (-1: not set); PG_INT64_MAX if nothing
 * limits them.
 */
extern int64 keyapi_budget_left(Oid serverid, int server_max);

/*
 * Raise 54000 if the statement may not spend needed credits more.  lists is how
 * many lists these pay for, or 0 if they pay for just the next request.
 */
extern void keyapi_budget_check(Oid serverid, int server_max, int64 needed,
								int lists);

/*
 * A request is sent that costs so many credits; or, if they are negative, has not
 * been sent after all.
 */
extern void keyapi_budget_spend(Oid serverid, int credits);

#endif							/* KEYAPI_BUDGET_H */
