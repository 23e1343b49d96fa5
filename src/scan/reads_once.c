/*-------------------------------------------------------------------------
 *
 * reads_once.c
 *	  Whether a scan reads its lists once, and nobody else in the statement reads
 *	  them.
 *
 * A statement is one message of the client.  It may hold several commands, and
 * functions may run queries of their own: all of them share the pages that the
 * statement has paid for.  So this is only said of a scan that is alone in the query
 * which is all of the message.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/reads_once.h"

#include <ctype.h>

#include "executor/executor.h"
#include "tcop/pquery.h"

#include "scan/plan_tree.h"

/* ---------------------------------------------------------------------
 * The message
 * ---------------------------------------------------------------------
 */

/*
 * Whether nothing follows a command in the message.
 */
static bool
is_last_command(const PlannedStmt *command, const char *message)
{
	if (command->stmt_location < 0)
		return false;
	if (command->stmt_len == 0)
		return true;
	for (message += command->stmt_location + command->stmt_len;
		 *message != '\0'; message++)
	{
		if (*message != ';' && !isspace((unsigned char) *message))
			return false;
	}
	return true;
}

/*
 * Whether a utility command runs one query, and nothing else that may read lists.
 */
static bool
runs_one_query(const Node *utility)
{
	switch (nodeTag(utility))
	{
		case T_CopyStmt:
		case T_CreateTableAsStmt:
		case T_ExplainStmt:
		case T_RefreshMatViewStmt:
			return true;
		default:
			return false;
	}
}

/*
 * Whether the message is just this query; a cursor's is not.
 */
static bool
is_all_of_message(const EState *estate)
{
	const PlannedStmt *command;

	if (ActivePortal == NULL || ActivePortal->name[0] != '\0' ||
		list_length(ActivePortal->stmts) != 1 || keyapi_runs_within_another())
		return false;
	command = linitial_node(PlannedStmt, ActivePortal->stmts);
	if (command != estate->es_plannedstmt &&
		(command->utilityStmt == NULL || !runs_one_query(command->utilityStmt)))
		return false;
	return is_last_command(command, ActivePortal->sourceText);
}

/*
 * Whether the query runs no other one: it only reads, and by PostgreSQL's own
 * functions, operators and types.  The planner has noted all others.
 */
static bool
runs_no_queries(const PlannedStmt *statement)
{
	return statement->commandType == CMD_SELECT && !statement->hasModifyingCTE &&
		statement->rowMarks == NIL && statement->invalItems == NIL;
}

/* ---------------------------------------------------------------------
 * The plan
 * ---------------------------------------------------------------------
 */

/*
 * Whether a node reads its child once, if it is read once itself.
 */
static bool
reads_once(const Plan *plan, const Plan *child)
{
	switch (nodeTag(plan))
	{
		case T_Agg:
		case T_Append:
		case T_Group:
		case T_Hash:
		case T_HashJoin:
		case T_IncrementalSort:
		case T_Limit:
		case T_Material:
		case T_MergeAppend:
		case T_ProjectSet:
		case T_Result:
		case T_SetOp:
		case T_Sort:
		case T_SubqueryScan:
		case T_Unique:
		case T_WindowAgg:
			return true;
		case T_MergeJoin:
		case T_NestLoop:
			return child == plan->lefttree;
		default:
			return false;
	}
}

static bool
is_read_once(const Plan *plan, const Plan *scan)
{
	ListCell   *lc;

	if (plan == scan)
		return true;
	foreach(lc, keyapi_child_plans(plan))
	{
		if (is_read_once(lfirst(lc), scan))
			return reads_once(plan, lfirst(lc));
	}
	return false;
}

/*
 * The parameters that get their values once: from the subqueries that run before
 * the statement's plan.
 */
static Bitmapset *
params_set_once(const PlannedStmt *statement)
{
	Bitmapset  *params = NULL;
	ListCell   *lc;

	foreach(lc, statement->planTree->initPlan)
	{
		ListCell   *lc2;

		foreach(lc2, lfirst_node(SubPlan, lc)->setParam)
			params = bms_add_member(params, lfirst_int(lc2));
	}
	return params;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

bool
keyapi_scan_reads_once(const KeyapiScan *scan)
{
	const PlanState *ps = &scan->node->ss.ps;
	const PlannedStmt *statement = ps->state->es_plannedstmt;

	return (scan->eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD |
							EXEC_FLAG_MARK)) == 0 &&
		ps->state->es_epq_active == NULL &&
		runs_no_queries(statement) &&
		is_all_of_message(ps->state) &&
		keyapi_scan_is_alone(scan) &&
		bms_is_subset(ps->plan->extParam, params_set_once(statement)) &&
		is_read_once(statement->planTree, ps->plan);
}
