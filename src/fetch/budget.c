/*-------------------------------------------------------------------------
 *
 * budget.c
 *	  How many credits a statement may spend, and has spent.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/budget.h"

#include <limits.h>

#include "access/xact.h"
#include "utils/guc.h"
#include "utils/hsearch.h"

/* Twenty times the price of the longest list that the API is known to have. */
#define DEFAULT_MAX_CREDITS 1000

/* What a statement has spent at a server, or at all (InvalidOid). */
typedef struct Spending
{
	Oid			serverid;
	TimestampTz statement;		/* when its message arrived */
	int64		spent;
} Spending;

static int	max_credits = DEFAULT_MAX_CREDITS;

void
keyapi_budget_init(void)
{
	DefineCustomIntVariable("keyapi_fdw.max_credits",
							"Credits that a statement may spend on requests.",
							"-1 means no limit, 0 that nothing is requested.",
							&max_credits, DEFAULT_MAX_CREDITS, -1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
}

/*
 * What the current statement has spent; serverid as above.
 */
static Spending *
find_spending(Oid serverid)
{
	static HTAB *spendings = NULL;
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	Spending   *spending;
	bool		found;

	if (spendings == NULL)
	{
		HASHCTL		info = {.keysize = sizeof(Oid),.entrysize = sizeof(Spending)};

		spendings = hash_create("keyapi_fdw budget", 16, &info,
								HASH_ELEM | HASH_BLOBS);
	}
	spending = hash_search(spendings, &serverid, HASH_ENTER, &found);
	if (!found || spending->statement != statement)
	{
		spending->statement = statement;
		spending->spent = 0;
	}
	return spending;
}

static int64
left_of(int limit, Oid serverid)
{
	return limit < 0 ? PG_INT64_MAX :
		Max(limit - find_spending(serverid)->spent, 0);
}

int64
keyapi_budget_left(Oid serverid, int server_max)
{
	return Min(left_of(max_credits, InvalidOid), left_of(server_max, serverid));
}

void
keyapi_budget_check(Oid serverid, int server_max, int64 needed, int lists)
{
	bool		of_server = left_of(server_max, serverid) <
	left_of(max_credits, InvalidOid);
	const char *setting = of_server ? "option \"max_credits\" of the server" :
	"keyapi_fdw.max_credits";
	int			allowed = of_server ? server_max : max_credits;
	int64		spent = find_spending(of_server ? serverid : InvalidOid)->spent;

	if (needed <= keyapi_budget_left(serverid, server_max))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 lists == 0 ?
			 errmsg("statement needs at least " INT64_FORMAT " credits, but %s allows %d",
					spent + needed, setting, allowed) :
			 errmsg("statement needs up to " INT64_FORMAT " credits, but %s allows %d",
					spent + needed, setting, allowed),
			 lists == 0 ?
			 errdetail("It has spent " INT64_FORMAT ".", spent) :
			 errdetail_plural("It has spent " INT64_FORMAT ", and nothing on the %d list that it would read.",
							  "It has spent " INT64_FORMAT ", and nothing on the %d lists that it would read.",
							  lists, spent, lists),
			 errhint("Read less, by a condition that chooses lists or ranks or by LIMIT, or raise %s.",
					 setting)));
}

void
keyapi_budget_spend(Oid serverid, int credits)
{
	find_spending(InvalidOid)->spent += credits;
	find_spending(serverid)->spent += credits;
}
