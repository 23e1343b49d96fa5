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
#include "tcop/pquery.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* Twenty times the price of the longest list that the API is known to have. */
#define DEFAULT_MAX_CREDITS 1000

/* What a statement has spent at a server. */
typedef struct ServerSpending
{
	Oid			serverid;
	int64		spent;
} ServerSpending;

/* What a statement has spent. */
typedef struct Spending
{
	TimestampTz statement;		/* when its message arrived */
	int			portals;		/* of its queries that may still run */
	int64		spent;
	List	   *servers;		/* of ServerSpending, in TopMemoryContext */
} Spending;

/* A portal whose query counts as a part of the statement that it began in. */
typedef struct Holder
{
	Portal		portal;
	TimestampTz statement;
	MemoryContextCallback on_drop;
} Holder;

static int	max_credits = DEFAULT_MAX_CREDITS;

/* Spending by statement: of the current one, and of those with open portals. */
static HTAB *spendings = NULL;
static TimestampTz current_statement = 0;

/* Holder by Portal */
static HTAB *holders = NULL;

static KeyapiBudgetRun *innermost_run = NULL;

/*
 * The library was loaded in this message, while a query ran that began in that
 * statement: its run was not seen to begin.
 */
static TimestampTz loading_message = 0;
static TimestampTz loading_statement = 0;

/* ---------------------------------------------------------------------
 * Spending
 * ---------------------------------------------------------------------
 */

static void
forget(Spending *spending)
{
	list_free_deep(spending->servers);
	(void) hash_search(spendings, &spending->statement, HASH_REMOVE, NULL);
}

static void
make_tables(void)
{
	HASHCTL		of_statements = {
		.keysize = sizeof(TimestampTz),.entrysize = sizeof(Spending)
	};
	HASHCTL		of_portals = {
		.keysize = sizeof(Portal),.entrysize = sizeof(Holder)
	};

	if (spendings == NULL)
		spendings = hash_create("keyapi_fdw budget", 16, &of_statements,
								HASH_ELEM | HASH_BLOBS);
	if (holders == NULL)
		holders = hash_create("keyapi_fdw portals", 16, &of_portals,
							  HASH_ELEM | HASH_BLOBS);
}

/*
 * Forget the statement before this one, unless portals of it are open.
 */
static void
begin_statement(void)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	Spending   *before;

	if (statement == current_statement && spendings != NULL)
		return;
	make_tables();
	before = hash_search(spendings, &current_statement, HASH_FIND, NULL);
	if (before != NULL && before->portals == 0)
		forget(before);
	current_statement = statement;
}

/*
 * What a statement has spent; NULL if that is nothing.
 */
static Spending *
find_spending(TimestampTz statement)
{
	return hash_search(spendings, &statement, HASH_FIND, NULL);
}

static Spending *
make_spending(TimestampTz statement)
{
	Spending   *spending;
	bool		found;

	spending = hash_search(spendings, &statement, HASH_ENTER, &found);
	if (!found)
	{
		spending->portals = 0;
		spending->spent = 0;
		spending->servers = NIL;
	}
	return spending;
}

static ServerSpending *
find_server(const Spending *spending, Oid serverid)
{
	ListCell   *lc;

	foreach(lc, spending->servers)
	{
		ServerSpending *server = lfirst(lc);

		if (server->serverid == serverid)
			return server;
	}
	return NULL;
}

static ServerSpending *
make_server(Spending *spending, Oid serverid)
{
	ServerSpending *server = find_server(spending, serverid);

	if (server == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(TopMemoryContext);

		server = palloc0(sizeof(ServerSpending));
		server->serverid = serverid;
		spending->servers = lappend(spending->servers, server);
		MemoryContextSwitchTo(oldcontext);
	}
	return server;
}

static void
at_portal_drop(void *arg)
{
	Holder	   *holder = arg;
	Spending   *spending = hash_search(spendings, &holder->statement, HASH_FIND,
									   NULL);

	if (--spending->portals == 0 && spending->statement != current_statement)
		forget(spending);
	(void) hash_search(holders, &holder->portal, HASH_REMOVE, NULL);
}

/*
 * Remember what the statement has spent for as long as the portal exists.
 */
static void
hold(Spending *spending, Portal portal)
{
	Holder	   *holder;
	bool		found;

	holder = hash_search(holders, &portal, HASH_ENTER, &found);
	if (found)
		return;
	holder->statement = spending->statement;
	holder->on_drop.func = at_portal_drop;
	holder->on_drop.arg = holder;
	MemoryContextRegisterResetCallback(portal->portalContext, &holder->on_drop);
	spending->portals++;
}

/* ---------------------------------------------------------------------
 * Runs
 * ---------------------------------------------------------------------
 */

/*
 * Whether the run, or one that it is part of, is of this statement.
 */
static bool
is_within(const KeyapiBudgetRun *run, TimestampTz statement)
{
	for (; run != NULL; run = run->outer)
	{
		if (run->statement == statement)
			return true;
	}
	return false;
}

void
keyapi_budget_begin_run(KeyapiBudgetRun *run)
{
	run->outer = innermost_run;
	run->portal = ActivePortal;
	run->statement = ActivePortal != NULL ? ActivePortal->creation_time :
		GetCurrentStatementStartTimestamp();
	run->repeats = is_within(run->outer, run->statement);
	innermost_run = run;
}

void
keyapi_budget_end_run(const KeyapiBudgetRun *run)
{
	innermost_run = run->outer;
}

void
keyapi_budget_init(void)
{
	DefineCustomIntVariable("keyapi_fdw.max_credits",
							"Credits that a statement may spend on requests.",
							"-1 means no limit, 0 that nothing is requested.",
							&max_credits, DEFAULT_MAX_CREDITS, -1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);

	if (ActivePortal == NULL)
		return;
	begin_statement();
	loading_message = current_statement;
	loading_statement = ActivePortal->creation_time;
	hold(make_spending(loading_statement), ActivePortal);
}

/*
 * Call function(statement, arg) for each statement that pays for a request of
 * the moment.
 */
static void
for_each_payer(void (*function) (TimestampTz, void *), void *arg)
{
	begin_statement();
	function(current_statement, arg);
	for (const KeyapiBudgetRun *run = innermost_run; run != NULL; run = run->outer)
	{
		if (!run->repeats && run->statement != current_statement)
			function(run->statement, arg);
	}
	if (loading_message == current_statement &&
		loading_statement != current_statement &&
		!is_within(innermost_run, loading_statement) &&
		find_spending(loading_statement) != NULL)
		function(loading_statement, arg);
}

/* What is booked. */
typedef struct Booking
{
	Oid			serverid;
	int			credits;
} Booking;

static void
book(TimestampTz statement, void *arg)
{
	const Booking *booking = arg;
	Spending   *spending = make_spending(statement);

	spending->spent += booking->credits;
	make_server(spending, booking->serverid)->spent += booking->credits;
}

void
keyapi_budget_spend(Oid serverid, int credits)
{
	Booking		booking = {serverid, credits};

	for_each_payer(book, &booking);
	for (const KeyapiBudgetRun *run = innermost_run; run != NULL; run = run->outer)
	{
		if (run->portal != NULL)
			hold(make_spending(run->statement), run->portal);
	}
}

/* ---------------------------------------------------------------------
 * Limits
 * ---------------------------------------------------------------------
 */

/* What limits the next request: of all limits, the one that leaves least. */
typedef struct Allowance
{
	Oid			serverid;
	int			server_max;

	bool		of_server;		/* the server's option, not the setting */
	int64		spent;			/* of it */
	int64		left;
} Allowance;

static void
tighten(Allowance *allowance, bool of_server, int allowed, int64 spent)
{
	int64		left = allowed < 0 ? PG_INT64_MAX : Max(allowed - spent, 0);

	if (left >= allowance->left)
		return;
	allowance->of_server = of_server;
	allowance->spent = spent;
	allowance->left = left;
}

static void
tighten_by_statement(TimestampTz statement, void *arg)
{
	Allowance  *allowance = arg;
	const Spending *spending = find_spending(statement);
	const ServerSpending *server = spending == NULL ? NULL :
	find_server(spending, allowance->serverid);

	tighten(allowance, false, max_credits, spending == NULL ? 0 : spending->spent);
	tighten(allowance, true, allowance->server_max,
			server == NULL ? 0 : server->spent);
}

static Allowance
tightest_allowance(Oid serverid, int server_max)
{
	Allowance	allowance = {serverid, server_max,.left = PG_INT64_MAX};

	for_each_payer(tighten_by_statement, &allowance);
	return allowance;
}

int64
keyapi_budget_left(Oid serverid, int server_max)
{
	return tightest_allowance(serverid, server_max).left;
}

static void
find_most(TimestampTz statement, void *arg)
{
	int64	   *most = arg;
	const Spending *spending = find_spending(statement);

	if (spending != NULL)
		*most = Max(*most, spending->spent);
}

int64
keyapi_budget_spent(void)
{
	int64		spent = 0;

	for_each_payer(find_most, &spent);
	return spent;
}

/* ---------------------------------------------------------------------
 * Errors
 * ---------------------------------------------------------------------
 */

/*
 * "the next list needs up to 50"
 */
static char *
what_is_needed(int64 needed, int lists)
{
	if (lists == 0)
		return psprintf("the next request needs " INT64_FORMAT, needed);
	if (lists == 1)
		return psprintf("the next list needs up to " INT64_FORMAT, needed);
	return psprintf("the next %d lists need up to " INT64_FORMAT, lists, needed);
}

void
keyapi_budget_check(Oid serverid, int server_max, int64 needed, int lists)
{
	Allowance	allowance = tightest_allowance(serverid, server_max);
	const char *setting = allowance.of_server ?
	"option \"max_credits\" of the server" : "keyapi_fdw.max_credits";
	int			allowed = allowance.of_server ? server_max : max_credits;

	if (needed <= allowance.left)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 lists == 0 ?
			 errmsg("statement needs at least " INT64_FORMAT " credits, but %s allows %d",
					allowance.spent + needed, setting, allowed) :
			 errmsg("statement needs up to " INT64_FORMAT " credits, but %s allows %d",
					allowance.spent + needed, setting, allowed),
			 allowance.spent == 0 ?
			 errdetail("The statement has spent nothing; %s.",
					   what_is_needed(needed, lists)) :
			 errdetail_plural("The statement has spent " INT64_FORMAT " credit; %s more.",
							  "The statement has spent " INT64_FORMAT " credits; %s more.",
							  allowance.spent, allowance.spent,
							  what_is_needed(needed, lists)),
			 errhint("Read less, by a condition that chooses lists or ranks or by LIMIT, or raise %s.",
					 setting)));
}
