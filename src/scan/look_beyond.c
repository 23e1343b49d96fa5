/*-------------------------------------------------------------------------
 *
 * look_beyond.c
 *	  Looking ahead beyond a scan's own pass.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/look_beyond.h"

#include "utils/memutils.h"

#include "scan/outer_rows.h"
#include "scan/read_ahead.h"
#include "scan/sequel.h"

/* A pass that a later outer row of the loop will begin. */
typedef struct LaterPass
{
	dlist_node	node;
	KeyapiOuterRow *row;
	MemoryContext context;		/* of this and all that follows */
	KeyapiPages *pages;
} LaterPass;

/* What was seen of the loop that the scan is the inner side of. */
typedef struct KeyapiLoopAhead
{
	MemoryContext context;
	KeyapiOuterRows *rows;
	dlist_head	passes;			/* LaterPass, in order; those of which no page
								 * is missing are gone */
} KeyapiLoopAhead;

/* ---------------------------------------------------------------------
 * Other scans
 * ---------------------------------------------------------------------
 */

/*
 * Whether the parameters of a scan have the values that its pass will see: none
 * waits for a subquery that runs when it is needed, and none has changed.
 */
static bool
knows_params(const KeyapiScan *scan)
{
	const PlanState *ps = &scan->node->ss.ps;
	int			param = -1;

	/* of a param that a loop sets, execPlan is NULL */
	if (ps->chgParam != NULL)
		return false;
	while ((param = bms_next_member(ps->plan->extParam, param)) >= 0)
	{
		if (ps->state->es_param_exec_vals[param].execPlan != NULL)
			return false;
	}
	return true;
}

/*
 * Begin the pass of a scan that is read later; false if that is not possible, or if
 * it is being read already.
 */
static bool
begin_ahead(KeyapiScan *scan)
{
	if (scan->bound != NULL)
		return scan->begun_ahead;
	if (!knows_params(scan))
		return false;
	keyapi_scan_begin_pass(scan);
	scan->begun_ahead = true;
	return true;
}

/*
 * Ask for pages of a scan that follows; returns what is left of the window.
 */
static int
ask_follower(const KeyapiScan *scan, const KeyapiFollower *follower, int window)
{
	const ForeignScanState *node = scan->node;
	KeyapiScan *next = keyapi_scan_find(node->ss.ps.state, follower->plan);
	int64		rows;

	if (next == NULL || !keyapi_pages_same_account(scan->pages, next->pages) ||
		keyapi_demand_now(&follower->hint, node, -1, &rows) < KEYAPI_READS_ALL ||
		!begin_ahead(next))
		return window;
	if (follower->limited && next->bound->max_rows < 0)
		return window;
	return keyapi_pages_ask_for_other(next->pages, window);
}

/* ---------------------------------------------------------------------
 * Later rows of the loop
 * ---------------------------------------------------------------------
 */

static void
begin_loop(KeyapiScan *scan, const NestLoop *loop)
{
	EState	   *estate = scan->node->ss.ps.state;
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	KeyapiLoopAhead *ahead = palloc0(sizeof(KeyapiLoopAhead));

	ahead->context = AllocSetContextCreate(CurrentMemoryContext,
										   "keyapi_fdw later passes",
										   ALLOCSET_SMALL_SIZES);
	ahead->rows = keyapi_outer_rows_begin(estate, loop, scan->node->ss.ps.plan);
	dlist_init(&ahead->passes);
	scan->loop_ahead = ahead;
	keyapi_pages_expect_later(scan->pages, true);
	MemoryContextSwitchTo(oldcontext);
}

static void
end_loop(KeyapiScan *scan)
{
	KeyapiLoopAhead *ahead = scan->loop_ahead;

	if (ahead == NULL)
		return;
	keyapi_outer_rows_end(ahead->rows);
	MemoryContextDelete(ahead->context);
	pfree(ahead);
	scan->loop_ahead = NULL;
	keyapi_pages_expect_later(scan->pages, false);
}

/*
 * Bind the scan as it will be bound when the loop comes to the row.
 */
static LaterPass *
add_pass(KeyapiScan *scan, KeyapiOuterRow *row)
{
	KeyapiLoopAhead *ahead = scan->loop_ahead;
	MemoryContext context = AllocSetContextCreate(ahead->context,
												  "keyapi_fdw later pass",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	LaterPass  *pass = palloc0(sizeof(LaterPass));

	pass->row = row;
	pass->context = context;
	keyapi_outer_row_swap(ahead->rows, row);
	pass->pages = keyapi_pages_later(scan->pages,
									 keyapi_binding_evaluate(scan->binding));
	keyapi_outer_row_swap(ahead->rows, row);
	dlist_push_tail(&ahead->passes, &pass->node);
	MemoryContextSwitchTo(oldcontext);
	return pass;
}

/*
 * Ask for pages of a pass; returns what is left of the window.
 */
static int
ask_pass(KeyapiLoopAhead *ahead, LaterPass *pass, int window)
{
	bool		missing;

	keyapi_outer_row_swap(ahead->rows, pass->row);
	missing = keyapi_pages_ask_later(pass->pages, &window);
	keyapi_outer_row_swap(ahead->rows, pass->row);
	if (!missing)
	{
		dlist_delete(&pass->node);
		MemoryContextDelete(pass->context);
	}
	return window;
}

static int
ask_passes(KeyapiLoopAhead *ahead, int window)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &ahead->passes)
	{
		if (window > 0)
			window = ask_pass(ahead, dlist_container(LaterPass, node, iter.cur),
							  window);
	}
	return window;
}

/*
 * Ask for pages that later rows of the loop need; returns what is left of the window.
 */
static int
ask_loop(KeyapiScan *scan, const KeyapiSequel *sequel, int window)
{
	const ForeignScanState *node = scan->node;
	KeyapiOuterRow *row;
	int64		rows;

	if (sequel->loop == NULL ||
		keyapi_demand_now(&sequel->loop_hint, node, -1, &rows) < KEYAPI_READS_ALL ||
		!keyapi_outer_rows_may_be_seen(node->ss.ps.state->es_plannedstmt,
									   sequel->loop, node->ss.ps.plan) ||
		!knows_params(scan))
		return window;
	if (scan->loop_ahead == NULL)
		begin_loop(scan, sequel->loop);
	window = ask_passes(scan->loop_ahead, window);
	while (window > 0 &&
		   (row = keyapi_outer_rows_next(scan->loop_ahead->rows)) != NULL)
		window = ask_pass(scan->loop_ahead, add_pass(scan, row), window);
	return window;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

static void
look_beyond(void *arg, int window)
{
	KeyapiScan *scan = arg;
	const PlanState *ps = &scan->node->ss.ps;
	const KeyapiSequel *sequel;
	ListCell   *lc;

	if (ps->state->es_epq_active != NULL)
		return;
	sequel = keyapi_sequel(ps->state->es_plannedstmt, ps->plan);
	window = ask_loop(scan, sequel, window);
	foreach(lc, sequel->followers)
	{
		if (window > 0)
			window = ask_follower(scan, lfirst(lc), window);
	}
}

void
keyapi_look_beyond(KeyapiScan *scan)
{
	keyapi_pages_set_beyond(scan->pages, look_beyond, scan);
}

void
keyapi_look_beyond_rescan(KeyapiScan *scan, const Bitmapset *changed)
{
	if (scan->loop_ahead != NULL &&
		keyapi_outer_rows_lack(scan->loop_ahead->rows, changed))
		end_loop(scan);
}

void
keyapi_look_beyond_end(KeyapiScan *scan)
{
	end_loop(scan);
}

bool
keyapi_looks_at_loop(const PlannedStmt *statement, const Plan *plan)
{
	const KeyapiSequel *sequel = keyapi_sequel(statement, plan);

	return sequel->loop != NULL &&
		keyapi_outer_rows_may_be_seen(statement, sequel->loop, plan);
}
