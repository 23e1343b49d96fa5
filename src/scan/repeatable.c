/*-------------------------------------------------------------------------
 *
 * repeatable.c
 *	  Whether a part of a plan may be run a second time.
 *
 * The nodes are a whitelist.  Not on it, among others: scans of foreign tables (they
 * cost money), nodes that lock or write rows, those that share a state with the rest
 * of the plan (CTEs, recursion, Gather, subqueries), and samples.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/repeatable.h"

#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "scan/plan_tree.h"

/*
 * Whether expressions, or a list of them, give the same each time.  Of an aggregate
 * that is not known: what its transition function does is not looked at.
 */
static bool
is_stable(const void *exprs)
{
	Node	   *node = unconstify(void *, exprs);

	return !contain_volatile_functions(node) && !contain_subplans(node) &&
		!contain_agg_clause(node);
}

/*
 * Whether a sequential scan begins where others are at the moment, as those of large
 * tables do: below a LIMIT, a second one has other rows.  The executor has locked the
 * table.
 */
static bool
begins_anywhere(const PlannedStmt *statement, const SeqScan *plan)
{
	const RangeTblEntry *entry = rt_fetch(plan->scan.scanrelid, statement->rtable);
	Relation	rel = table_open(entry->relid, NoLock);
	bool		large = RelationGetNumberOfBlocks(rel) > NBuffers / 4;

	table_close(rel, NoLock);
	return synchronize_seqscans && large;
}

static bool
is_stable_scan(const PlannedStmt *statement, const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			return !begins_anywhere(statement, (const SeqScan *) plan);
		case T_BitmapAnd:
		case T_BitmapOr:
		case T_SubqueryScan:
			return true;
		case T_IndexScan:
			return is_stable(((const IndexScan *) plan)->indexqualorig) &&
				((const IndexScan *) plan)->indexorderby == NIL;
		case T_IndexOnlyScan:
			return is_stable(((const IndexOnlyScan *) plan)->indexqual) &&
				((const IndexOnlyScan *) plan)->indexorderby == NIL;
		case T_BitmapIndexScan:
			return is_stable(((const BitmapIndexScan *) plan)->indexqualorig);
		case T_BitmapHeapScan:
			return is_stable(((const BitmapHeapScan *) plan)->bitmapqualorig);
		case T_FunctionScan:
			return is_stable(((const FunctionScan *) plan)->functions);
		case T_ValuesScan:
			return is_stable(((const ValuesScan *) plan)->values_lists);
		default:
			return false;
	}
}

static bool
is_stable_join(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_NestLoop:
			return is_stable(((const Join *) plan)->joinqual);
		case T_HashJoin:
			return is_stable(((const Join *) plan)->joinqual) &&
				is_stable(((const HashJoin *) plan)->hashclauses);
		case T_MergeJoin:
			return is_stable(((const Join *) plan)->joinqual) &&
				is_stable(((const MergeJoin *) plan)->mergeclauses);
		default:
			return false;
	}
}

static bool
is_stable_node(const PlannedStmt *statement, const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Agg:
		case T_Group:
		case T_Hash:
		case T_IncrementalSort:
		case T_Material:
		case T_ProjectSet:
		case T_Sort:
		case T_Unique:
			return true;
		case T_Append:
			return keyapi_prune_info((const Append *) plan, statement) == NULL;
		case T_MergeAppend:
			return keyapi_prune_info((const MergeAppend *) plan, statement) == NULL;
		case T_Limit:
			return is_stable(((const Limit *) plan)->limitCount) &&
				is_stable(((const Limit *) plan)->limitOffset);
		case T_Memoize:
			return is_stable(((const Memoize *) plan)->param_exprs);
		case T_Result:
			return is_stable(((const Result *) plan)->resconstantqual);
		default:
			return is_stable_scan(statement, plan) || is_stable_join(plan);
	}
}

static bool
is_repeatable(const PlannedStmt *statement, const Plan *plan)
{
	ListCell   *lc;
	List	   *children;

	if (plan->initPlan != NIL || !is_stable(plan->targetlist) ||
		!is_stable(plan->qual) || !is_stable_node(statement, plan))
		return false;
	children = IsA(plan, BitmapAnd) ? ((const BitmapAnd *) plan)->bitmapplans :
		IsA(plan, BitmapOr) ? ((const BitmapOr *) plan)->bitmapplans :
		keyapi_child_plans(plan);
	foreach(lc, children)
	{
		if (!is_repeatable(statement, lfirst(lc)))
			return false;
	}
	return true;
}

bool
keyapi_plan_is_repeatable(const PlannedStmt *statement, const Plan *plan)
{
	return bms_is_empty(plan->extParam) && is_repeatable(statement, plan);
}
