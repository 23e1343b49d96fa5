/*-------------------------------------------------------------------------
 *
 * sequel.c
 *	  What a query will surely read after a scan, by its plan.
 *
 * The nodes above a scan that is being read have begun.  If such a node is an
 * Append that is read to its end, its later children are read too, and so is
 * whatever these read first.  If it is a hash join whose hash table is being built,
 * its outer side follows.  If it is a nested loop, the scan is read once for each of
 * its outer rows.  Above a CTE is its only reader.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/sequel.h"

#include "nodes/plannodes.h"

#include "scan/plan_tree.h"

/*
 * More scans than can be asked for ahead at a time: a window is never larger than
 * that many pages.
 */
#define MAX_FOLLOWERS 256

typedef struct Search
{
	const PlannedStmt *statement;
	const Plan *scan;
	KeyapiSequel *sequel;
	bool		always_begun;	/* the node of the moment begins the scan
								 * whenever it is read */
} Search;

static void collect(Search *search, const Plan *plan,
					const KeyapiDemandHint *hint, bool limited);

/* ---------------------------------------------------------------------
 * Scans that a node surely begins, and reads to their end
 * ---------------------------------------------------------------------
 */

static void
add_follower(Search *search, const Plan *plan, const KeyapiDemandHint *hint,
			 bool limited)
{
	KeyapiFollower *follower = palloc(sizeof(KeyapiFollower));

	follower->plan = plan;
	follower->hint = *hint;
	follower->limited = limited;
	search->sequel->followers = lappend(search->sequel->followers, follower);
}

static void
collect_all(Search *search, List *plans, const KeyapiDemandHint *hint, bool limited)
{
	ListCell   *lc;

	foreach(lc, plans)
		collect(search, lfirst(lc), hint, limited);
}

/*
 * A hash join may end after the side that it looks at first.  See ExecHashJoinImpl.
 */
static void
collect_hash_join(Search *search, const Plan *plan, const KeyapiDemandHint *hint,
				  bool limited)
{
	const Plan *outer = plan->lefttree;
	const Plan *hash = plan->righttree;

	switch (((const Join *) plan)->jointype)
	{
		case JOIN_LEFT:
		case JOIN_ANTI:
			collect(search, outer, hint, limited);
			break;
		case JOIN_FULL:
			collect(search, hash, hint, limited);
			collect(search, outer, hint, limited);
			break;
		case JOIN_RIGHT:
			collect(search, hash, hint, limited);
			break;
		case JOIN_INNER:
		case JOIN_SEMI:
			if (outer->startup_cost >= hash->total_cost)
				collect(search, hash, hint, limited);
			break;
		default:
			break;
	}
}

/*
 * The plan of a CTE that the node reads.
 */
static const Plan *
plan_of_cte(const Search *search, const Plan *reader)
{
	return list_nth(search->statement->subplans,
					((const CteScan *) reader)->ctePlanId - 1);
}

/*
 * Whether a node with one child reads that to its end, if it is read to its own.
 */
static bool
reads_child(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Agg:
		case T_Group:
		case T_Hash:
		case T_IncrementalSort:
		case T_LockRows:
		case T_Material:
		case T_ProjectSet:
		case T_Sort:
		case T_SubqueryScan:
		case T_Unique:
			return true;
		case T_Memoize:
			return !((const Memoize *) plan)->singlerow;
		case T_Result:
			return ((const Result *) plan)->resconstantqual == NULL;
		case T_WindowAgg:
			return ((const WindowAgg *) plan)->runCondition == NIL;
		default:
			return false;
	}
}

/*
 * The scans that a node surely begins when it is read to its end.
 */
static void
collect(Search *search, const Plan *plan, const KeyapiDemandHint *hint, bool limited)
{
	if (list_length(search->sequel->followers) >= MAX_FOLLOWERS)
		return;
	if (IsA(plan, ForeignScan))
		add_follower(search, plan, hint, limited);
	else if (keyapi_appends_all(search->statement, plan) ||
			 (reads_child(plan) && !limited))
		collect_all(search, keyapi_child_plans(plan), hint, limited);
	else if (IsA(plan, Limit) && !limited)
		collect(search, plan->lefttree, hint, true);
	else if (IsA(plan, NestLoop) && !limited)
		collect(search, plan->lefttree, hint, limited);
	else if (IsA(plan, HashJoin) && !limited)
		collect_hash_join(search, plan, hint, limited);
	else if (IsA(plan, CteScan) && !limited)
		collect(search, plan_of_cte(search, plan), hint, limited);
}

/* ---------------------------------------------------------------------
 * The nodes above the scan
 * ---------------------------------------------------------------------
 */

/*
 * Add what a hash join reads after it has made its hash table, if it reads that side
 * to the end.
 */
static void
look_at_outer_side(Search *search, const Plan *outer)
{
	KeyapiDemandHint hint = keyapi_demand_hint_of(search->statement, outer);

	if (hint.demand == KEYAPI_READS_ALL && !hint.limited)
		collect(search, outer, &hint, false);
}

/*
 * Add what the node reads after its child, which is being read.
 */
static void
look_around(Search *search, const Plan *plan, const Plan *child)
{
	KeyapiSequel *sequel = search->sequel;
	KeyapiDemandHint hint = keyapi_demand_hint_of(search->statement, plan);
	bool		passed = IsA(plan, MergeAppend);
	ListCell   *lc;

	if (hint.demand != KEYAPI_READS_ALL || hint.limited)
		return;
	if (keyapi_appends_all(search->statement, plan))
	{
		foreach(lc, keyapi_child_plans(plan))
		{
			if (lfirst(lc) == child)
				passed = true;
			else if (passed)
				collect(search, lfirst(lc), &hint, false);
		}
	}
	else if (IsA(plan, HashJoin) && child == plan->righttree)
		look_at_outer_side(search, plan->lefttree);
	else if (IsA(plan, NestLoop) && child == plan->righttree &&
			 search->always_begun && sequel->loop == NULL &&
			 !keyapi_joins_once((const Join *) plan))
	{
		sequel->loop = (const NestLoop *) plan;
		sequel->loop_hint = hint;
	}
}

/*
 * Find the scan below a node, and look around on the way back.
 */
static bool
find(Search *search, const Plan *plan)
{
	ListCell   *lc;

	if (plan == search->scan)
		return true;
	foreach(lc, keyapi_child_plans(plan))
	{
		if (!find(search, lfirst(lc)))
			continue;
		look_around(search, plan, lfirst(lc));
		search->always_begun &= reads_child(plan) ||
			keyapi_appends_all(search->statement, plan);
		return true;
	}
	return false;
}

/*
 * The node that reads the CTE; NULL if there are several, of which any may be the
 * one that is reading it, or if the subplan is no CTE.
 */
static const Plan *
only_reader(const PlannedStmt *statement, int cte)
{
	List	   *readers = keyapi_cte_readers(statement, cte);

	return list_length(readers) == 1 ? linitial(readers) : NULL;
}

/*
 * Look around from the search's scan up to the root of its plan tree; returns what
 * reads that, or NULL.
 */
static const Plan *
look_up(Search *search)
{
	ListCell   *lc;

	if (find(search, search->statement->planTree))
		return NULL;
	foreach(lc, search->statement->subplans)
	{
		if (lfirst(lc) != NULL && find(search, lfirst(lc)))
			return only_reader(search->statement, foreach_current_index(lc) + 1);
	}
	return NULL;
}

KeyapiSequel *
keyapi_sequel(const PlannedStmt *statement, const Plan *scan)
{
	Search		search = {statement, scan, palloc0(sizeof(KeyapiSequel)), true};

	while ((search.scan = look_up(&search)) != NULL)
		search.always_begun = false;	/* a CTE is read once */
	return search.sequel;
}
