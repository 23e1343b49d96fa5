/*-------------------------------------------------------------------------
 *
 * plan_tree.c
 *	  The nodes of a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/plan_tree.h"

List *
keyapi_child_plans(const Plan *plan)
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

bool
keyapi_joins_once(const Join *join)
{
	return join->inner_unique || join->jointype == JOIN_SEMI ||
		join->jointype == JOIN_ANTI;
}

bool
keyapi_preserves_outer(const Join *join)
{
	return join->jointype == JOIN_LEFT || join->jointype == JOIN_ANTI ||
		join->jointype == JOIN_FULL;
}

bool
keyapi_preserves_inner(const Join *join)
{
	return join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL;
}

/*
 * Whether partitions are left out anew whenever the node is scanned.
 */
static bool
prunes_at_run_time(const PartitionPruneInfo *info)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (info == NULL)
		return false;
	foreach(lc, info->prune_infos)
	{
		foreach(lc2, (List *) lfirst(lc))
		{
			if (((PartitionedRelPruneInfo *) lfirst(lc2))->exec_pruning_steps != NIL)
				return true;
		}
	}
	return false;
}

bool
keyapi_appends_all(const PlannedStmt *statement, const Plan *plan)
{
	if (IsA(plan, Append))
		return !prunes_at_run_time(keyapi_prune_info((const Append *) plan, statement));
	return IsA(plan, MergeAppend) &&
		!prunes_at_run_time(keyapi_prune_info((const MergeAppend *) plan, statement));
}

/*
 * Add the nodes below a plan that read the CTE.
 */
static List *
add_readers(List *readers, const Plan *plan, int cte)
{
	ListCell   *lc;

	/* lists of subplans may have holes */
	if (plan == NULL)
		return readers;
	if (IsA(plan, CteScan) && ((const CteScan *) plan)->ctePlanId == cte)
		return lappend(readers, unconstify(Plan *, plan));
	foreach(lc, keyapi_child_plans(plan))
		readers = add_readers(readers, lfirst(lc), cte);
	return readers;
}

List *
keyapi_cte_readers(const PlannedStmt *statement, int cte)
{
	List	   *readers = add_readers(NIL, statement->planTree, cte);
	ListCell   *lc;

	foreach(lc, statement->subplans)
		readers = add_readers(readers, lfirst(lc), cte);
	return readers;
}
