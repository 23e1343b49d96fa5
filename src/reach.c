/*-------------------------------------------------------------------------
 *
 * reach.c
 *	  How far the executor will read a scan.
 *
 * The planner's tuple_fraction does not tell: it is 0 for the input of a merge
 * join that stops early, and for a CTE below which a LIMIT follows; and it is
 * not 0 for the input of a sort below a LIMIT, which is read to its end.
 *
 *-------------------------------------------------------------------------
 */
#include "reach.h"

#include "executor/executor.h"
#include "nodes/plannodes.h"

/* The run of the executor that is under way, if it reads to the end. */
static const EState *completing = NULL;

static ExecutorRun_hook_type next_executor_run = NULL;

static const KeyapiOutlook unknown_outlook = {KEYAPI_READS_SOME};
static const KeyapiOutlook full_outlook = {KEYAPI_READS_ALL};

/* ---------------------------------------------------------------------
 * The run
 * ---------------------------------------------------------------------
 */

/*
 * Note whether all rows are asked for: cursors, loops of PL/pgSQL, functions
 * in SQL and the row limits of drivers ask for some.  Runs nest.
 */
static void
executor_run(KEYAPI_EXECUTOR_RUN_PARAMS)
{
	const EState *outer = completing;

	completing = count == 0 ? query->estate : NULL;
	PG_TRY();
	{
		if (next_executor_run != NULL)
			next_executor_run(KEYAPI_EXECUTOR_RUN_ARGS);
		else
			standard_ExecutorRun(KEYAPI_EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		completing = outer;
	}
	PG_END_TRY();
}

void
keyapi_reach_init(void)
{
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
}

KeyapiReach
keyapi_reach_now(const KeyapiOutlook *outlook, const ForeignScanState *node,
				 int64 max_rows)
{
	if (!outlook->certain && completing != node->ss.ps.state)
		return KEYAPI_READS_SOME;
	if (outlook->limited && max_rows < 0)
		return KEYAPI_READS_SOME;
	return outlook->reach;
}

/* ---------------------------------------------------------------------
 * The plan
 * ---------------------------------------------------------------------
 */

/* What is looked for: a scan, or those of a CTE. */
typedef struct Target
{
	const Plan *scan;			/* or NULL */
	int			cte;			/* its plan id */
} Target;

static bool
is_target(const Plan *plan, const Target *target)
{
	return plan == target->scan ||
		(target->scan == NULL && IsA(plan, CteScan) &&
		 ((const CteScan *) plan)->ctePlanId == target->cte);
}

static List *
child_plans(const Plan *plan)
{
	List	   *children = NIL;

	switch (nodeTag(plan))
	{
		case T_Append:
			return ((const Append *) plan)->appendplans;
		case T_MergeAppend:
			return ((const MergeAppend *) plan)->mergeplans;
		case T_SubqueryScan:
			return list_make1(((const SubqueryScan *) plan)->subplan);
		default:
			if (plan->lefttree != NULL)
				children = lappend(children, plan->lefttree);
			if (plan->righttree != NULL)
				children = lappend(children, plan->righttree);
			return children;
	}
}

static void
lower_reach(KeyapiOutlook *outlook, KeyapiReach reach)
{
	outlook->reach = Min(outlook->reach, reach);
}

/*
 * What a join leaves of the outlook of its child: a merge join stops when one
 * side ends, a hash join when the hash table is empty, and where one match is
 * enough the inner side is not read on.
 */
static void
outlook_below_join(KeyapiOutlook *outlook, const Join *join, bool inner)
{
	if (!IsA(join, NestLoop))
		lower_reach(outlook, KEYAPI_READS_MOST);
	else if (inner && (join->inner_unique || join->jointype == JOIN_SEMI ||
					   join->jointype == JOIN_ANTI))
		*outlook = unknown_outlook;
}

/*
 * What a node leaves of the outlook of its child.
 */
static void
outlook_below(KeyapiOutlook *outlook, const Plan *plan, const Plan *child)
{
	if (outlook->certain)
		return;
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_Hash:
			outlook->certain = true;
			break;
		case T_Agg:
			outlook->certain =
				((const Agg *) plan)->aggstrategy != AGG_SORTED;
			break;
		case T_NestLoop:
		case T_HashJoin:
		case T_MergeJoin:
			outlook_below_join(outlook, (const Join *) plan,
							   child == plan->righttree);
			break;
		case T_SetOp:
			lower_reach(outlook, KEYAPI_READS_MOST);
			break;
		case T_Limit:
			if (outlook->limited)
				*outlook = unknown_outlook;
			outlook->limited = true;
			break;
		case T_Memoize:
			if (((const Memoize *) plan)->singlerow)
				*outlook = unknown_outlook;
			break;
		case T_WindowAgg:
			if (((const WindowAgg *) plan)->runCondition != NIL)
				*outlook = unknown_outlook;
			break;
		case T_Append:
		case T_Group:
		case T_IncrementalSort:
		case T_LockRows:
		case T_Material:
		case T_MergeAppend:
		case T_ModifyTable:
		case T_ProjectSet:
		case T_Result:
		case T_SubqueryScan:
		case T_Unique:
			break;
		default:
			*outlook = unknown_outlook;
	}
}

/*
 * Find the target in a plan tree.  If it is there, *outlook becomes the
 * outlook of the target that is read farthest.
 */
static bool
find_target(const Plan *plan, const Target *target, KeyapiOutlook *outlook)
{
	bool		found = is_target(plan, target);
	ListCell   *lc;

	if (found)
	{
		*outlook = full_outlook;
		return true;
	}
	foreach(lc, child_plans(plan))
	{
		const Plan *child = lfirst(lc);
		KeyapiOutlook below;

		if (!find_target(child, target, &below))
			continue;
		outlook_below(&below, plan, child);
		if (!found || below.reach > outlook->reach)
			*outlook = below;
		found = true;
	}
	return found;
}

static KeyapiOutlook
outlook_in_statement(const PlannedStmt *statement, const Target *target)
{
	KeyapiOutlook outlook;
	ListCell   *lc;

	if (find_target(statement->planTree, target, &outlook))
		return outlook;
	foreach(lc, statement->subplans)
	{
		/* lists of subplans may have holes */
		if (lfirst(lc) == NULL ||
			!find_target(lfirst(lc), target, &outlook))
			continue;
		if (!outlook.certain)
		{
			/* a CTE is read as far as those read who scan it */
			const Target scans = {NULL, foreach_current_index(lc) + 1};
			KeyapiOutlook of_scans = outlook_in_statement(statement, &scans);

			lower_reach(&outlook, of_scans.limited ? KEYAPI_READS_SOME : of_scans.reach);
			outlook.certain = of_scans.certain;
		}
		return outlook;
	}
	return unknown_outlook;
}

KeyapiOutlook
keyapi_reach_outlook(const ForeignScanState *node)
{
	const Target target = {node->ss.ps.plan};

	return outlook_in_statement(node->ss.ps.state->es_plannedstmt, &target);
}
