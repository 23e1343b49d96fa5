/*-------------------------------------------------------------------------
 *
 * look_beyond.c
 *	  Looking ahead beyond a scan's own pass.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/look_beyond.h"

#include "scan/sequel.h"

/*
 * Whether the parameters of a scan have the values that its pass will see: none
 * waits for a subquery that runs when it is needed, and none has changed.
 */
static bool
knows_params(const KeyapiScan *scan)
{
	const PlanState *ps = &scan->node->ss.ps;
	int			param = -1;

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
		keyapi_demand_now(&follower->hint, node, -1, &rows) != KEYAPI_READS_ALL ||
		!begin_ahead(next))
		return window;
	if (follower->limited && next->bound->max_rows < 0)
		return window;
	return keyapi_pages_ask_for_other(next->pages, window);
}

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
