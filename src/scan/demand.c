/*-------------------------------------------------------------------------
 *
 * demand.c
 *	  How far the executor will read a scan.
 *
 * The planner's tuple_fraction does not tell: it is 0 for the input of a merge
 * join that stops early, and for a CTE below which a LIMIT follows; and it is
 * not 0 for the input of a sort below a LIMIT, which is read to its end.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/demand.h"

#include "executor/executor.h"
#include "executor/hashjoin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "utils/memutils.h"

#include "fetch/budget.h"
#include "scan/plan_tree.h"

/* A run of the executor. */
typedef struct Run
{
	const EState *estate;
	PlanState  *plan;			/* the root */
	uint64		count;			/* rows that are asked for; 0: all */
	bool		counts;			/* es_processed says how many there were */
	bool		within;			/* another run */
} Run;

/* The run that is under way. */
static Run	current_run = {NULL};

static ExecutorRun_hook_type next_executor_run = NULL;

/*
 * Hash joins whose outer side is read only if their hash table has a row.
 */
typedef struct KeyapiHashJoins
{
	List	   *plans;			/* HashJoin */
	List	   *states;			/* HashJoinState, of each; NIL: not looked for */
} KeyapiHashJoins;

/* What is known of a statement's plans. */
typedef struct Hints
{
	const PlannedStmt *statement;
	KeyapiDemandHint **of_subplans; /* each NULL: not known yet */
} Hints;

static const KeyapiDemandHint no_hint = {KEYAPI_READS_SOME};
static const KeyapiDemandHint full_hint = {KEYAPI_READS_ALL,.row_by_row = true};

/* ---------------------------------------------------------------------
 * The run
 * ---------------------------------------------------------------------
 */

/*
 * Note how many rows are asked for: cursors, loops of PL/pgSQL, functions in SQL
 * and the row limits of drivers ask for some.  Runs nest.  The budget must know them
 * too.
 */
static void
executor_run(KEYAPI_EXECUTOR_RUN_PARAMS)
{
	const Run	outer = current_run;
	KeyapiBudgetRun run;

	keyapi_budget_begin_run(&run);
	current_run = (Run)
	{
		.estate = query->estate,
			.plan = query->planstate,
			.count = count,
			.counts = query->operation == CMD_SELECT &&
			ScanDirectionIsForward(direction),
			.within = outer.estate != NULL,
	};
	PG_TRY();
	{
		if (next_executor_run != NULL)
			next_executor_run(KEYAPI_EXECUTOR_RUN_ARGS);
		else
			standard_ExecutorRun(KEYAPI_EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		current_run = outer;
		keyapi_budget_end_run(&run);
	}
	PG_END_TRY();
}

void
keyapi_demand_init(void)
{
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
}

bool
keyapi_runs_within_another(void)
{
	return current_run.within;
}

/*
 * Whether the scan reads as many rows as the run still asks for, of which the one
 * that is being made is the first.
 */
static bool
reads_counted_rows(const KeyapiDemandHint *hint, const EState *estate)
{
	return hint->row_by_row && current_run.estate == estate &&
		current_run.counts && current_run.count > estate->es_processed;
}

static bool
find_states(PlanState *state, void *context)
{
	KeyapiHashJoins *joins = context;

	if (list_member_ptr(joins->plans, state->plan))
		joins->states = lappend(joins->states, state);
	return planstate_tree_walker(state, find_states, joins);
}

/*
 * Whether the hash table of each of the joins has a row by now, so that the join
 * reads its outer side to the end.
 */
static bool
hash_tables_have_rows(KeyapiHashJoins *joins, const EState *estate)
{
	ListCell   *lc;

	if (current_run.estate != estate)
		return false;
	if (joins->states == NIL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(GetMemoryChunkContext(joins));

		(void) find_states(current_run.plan, joins);
		MemoryContextSwitchTo(oldcontext);
	}
	if (list_length(joins->states) < list_length(joins->plans))
		return false;
	foreach(lc, joins->states)
	{
		HashJoinTable table = castNode(HashJoinState, lfirst(lc))->hj_HashTable;

		if (table == NULL || table->totalTuples == 0)
			return false;
	}
	return true;
}

KeyapiDemand
keyapi_demand_now(const KeyapiDemandHint *hint, const ForeignScanState *node,
				  int64 max_rows, int64 *rows)
{
	const EState *estate = node->ss.ps.state;

	*rows = -1;
	if (hint->limited && max_rows < 0)
		return KEYAPI_READS_SOME;
	if (hint->certain ||
		(current_run.estate == estate && current_run.count == 0))
	{
		if (hint->hashes == NULL)
			return hint->demand;
		if (!hash_tables_have_rows(hint->hashes, estate))
			return KEYAPI_READS_SOME;
		return hint->demand == KEYAPI_READS_ALL ? KEYAPI_READS_REST : hint->demand;
	}
	if (!reads_counted_rows(hint, estate))
		return KEYAPI_READS_SOME;
	*rows = (int64) Min(current_run.count - estate->es_processed, PG_INT64_MAX);
	return KEYAPI_READS_ROWS;
}

/* ---------------------------------------------------------------------
 * The plan
 * ---------------------------------------------------------------------
 */

static void
add_hash_joins(KeyapiDemandHint *hint, List *plans)
{
	KeyapiHashJoins *joins = palloc0(sizeof(KeyapiHashJoins));

	joins->plans = hint->hashes == NULL ? plans :
		list_concat_copy(hint->hashes->plans, plans);
	hint->hashes = joins;
}

/*
 * What a join leaves of the hint of its child.  A merge join stops when a side ends
 * whose rows all need a partner, a hash join when the hash table is empty, and where
 * one match is enough the inner side is not read on.
 */
static void
hint_below_join(KeyapiDemandHint *hint, const Join *join, bool inner)
{
	if (IsA(join, NestLoop))
	{
		if (inner && keyapi_joins_once(join))
			*hint = no_hint;
	}
	else if (inner ? keyapi_preserves_inner(join) : keyapi_preserves_outer(join))
		return;
	else if (IsA(join, MergeJoin))
		*hint = no_hint;
	else
		add_hash_joins(hint, list_make1(unconstify(Join *, join)));
}

/*
 * A set operation that hashes reads an input to its end once it has begun it.  One
 * that is sorted stops reading the second input (which is one of its own from
 * PostgreSQL 18 on) when the first has ended.  See nodeSetOp.c.
 */
static void
hint_below_set_operation(KeyapiDemandHint *hint, const Plan *plan,
						 const Plan *child)
{
	if (((const SetOp *) plan)->strategy == SETOP_HASHED)
		hint->certain = true;
	else if (child == plan->righttree)
		*hint = no_hint;
}

/*
 * Whether each row of the node takes a row of its child, at the time when it is
 * asked for: no node that makes several rows of one, and none that reads ahead of
 * what it returns.
 */
static bool
is_row_by_row(const Plan *plan, const Plan *child)
{
	switch (nodeTag(plan))
	{
		case T_Append:
		case T_Limit:
		case T_LockRows:
		case T_Result:
		case T_SubqueryScan:
		case T_Unique:
			return true;
		case T_NestLoop:
			return child == plan->lefttree &&
				keyapi_joins_once((const Join *) plan);
		default:
			return false;
	}
}

/*
 * Whether an aggregate reads all of its input before its first row: not if it
 * returns groups of sorted input, be it besides those of grouping sets that it
 * hashes.
 */
static bool
reads_all_first(const Agg *agg)
{
	return agg->aggstrategy == AGG_PLAIN || agg->aggstrategy == AGG_HASHED;
}

/*
 * What a node leaves of the hint of its child.
 */
static void
hint_below(KeyapiDemandHint *hint, const Plan *plan, const Plan *child)
{
	hint->row_by_row &= is_row_by_row(plan, child);
	if (hint->certain)
		return;
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_Hash:
			hint->certain = true;
			break;
		case T_Agg:
			hint->certain = reads_all_first((const Agg *) plan);
			break;
		case T_NestLoop:
		case T_HashJoin:
		case T_MergeJoin:
			hint_below_join(hint, (const Join *) plan,
							child == plan->righttree);
			break;
		case T_SetOp:
			hint_below_set_operation(hint, plan, child);
			break;
		case T_Limit:
			if (hint->limited)
				*hint = no_hint;
			hint->limited = true;
			break;
		case T_Memoize:
			if (((const Memoize *) plan)->singlerow)
				*hint = no_hint;
			break;
		case T_WindowAgg:
			if (((const WindowAgg *) plan)->runCondition != NIL)
				*hint = no_hint;
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
			*hint = no_hint;
	}
}

/*
 * Find a node in a plan tree.  If it is there, *hint becomes its hint.
 */
static bool
hint_in_tree(const Plan *tree, const Plan *plan, KeyapiDemandHint *hint)
{
	ListCell   *lc;

	if (tree == plan)
	{
		*hint = full_hint;
		return true;
	}
	foreach(lc, keyapi_child_plans(tree))
	{
		if (!hint_in_tree(lfirst(lc), plan, hint))
			continue;
		hint_below(hint, tree, lfirst(lc));
		return true;
	}
	return false;
}

static KeyapiDemandHint hint_of(Hints *hints, const Plan *plan);

/*
 * What holds whichever of a CTE's readers it is that reads.
 */
static KeyapiDemandHint
least_hint(Hints *hints, List *readers)
{
	KeyapiDemandHint least = {KEYAPI_READS_ALL,.certain = true};
	ListCell   *lc;

	foreach(lc, readers)
	{
		KeyapiDemandHint hint = hint_of(hints, lfirst(lc));

		if (hint.demand == KEYAPI_READS_SOME || hint.limited)
			return no_hint;
		least.certain &= hint.certain;
		if (hint.hashes != NULL)
			add_hash_joins(&least, hint.hashes->plans);
	}
	return least;
}

/*
 * The hint of a subplan.  A CTE is read as far as each of its readers reads it, for
 * any of them may be the only one that begins.
 */
static const KeyapiDemandHint *
hint_of_subplan(Hints *hints, int id)
{
	KeyapiDemandHint **known = &hints->of_subplans[id - 1];

	if (*known == NULL)
	{
		List	   *readers = keyapi_cte_readers(hints->statement, id);

		*known = palloc(sizeof(KeyapiDemandHint));
		**known = readers == NIL ? no_hint : least_hint(hints, readers);
	}
	return *known;
}

static KeyapiDemandHint
hint_of(Hints *hints, const Plan *plan)
{
	KeyapiDemandHint hint;
	ListCell   *lc;

	if (hint_in_tree(hints->statement->planTree, plan, &hint))
		return hint;
	foreach(lc, hints->statement->subplans)
	{
		/* lists of subplans may have holes */
		if (lfirst(lc) == NULL || !hint_in_tree(lfirst(lc), plan, &hint))
			continue;
		hint.row_by_row = false;
		if (!hint.certain)
		{
			const KeyapiDemandHint *of_subplan =
			hint_of_subplan(hints, foreach_current_index(lc) + 1);

			hint.demand = Min(hint.demand, of_subplan->demand);
			hint.certain = of_subplan->certain;
			if (of_subplan->hashes != NULL)
				add_hash_joins(&hint, of_subplan->hashes->plans);
		}
		return hint;
	}
	return no_hint;
}

KeyapiDemandHint
keyapi_demand_hint_of(const PlannedStmt *statement, const Plan *plan)
{
	Hints		hints = {
		statement,
		palloc0(list_length(statement->subplans) * sizeof(KeyapiDemandHint *))
	};

	return hint_of(&hints, plan);
}
