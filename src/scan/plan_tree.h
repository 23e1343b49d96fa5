/*-------------------------------------------------------------------------
 *
 * plan_tree.h
 *	  The nodes of a plan: what is below them, what joins and Appends do with it,
 *	  and who reads a CTE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PLAN_TREE_H
#define KEYAPI_PLAN_TREE_H

#include "compat.h"

#include "nodes/plannodes.h"

/*
 * The plans below a node, in the order in which an Append reads them; palloc'd.
 */
extern List *keyapi_child_plans(const Plan *plan);

/*
 * Whether a row of the outer side is joined with one of the inner side at most,
 * and the inner side not read on after that.
 */
extern bool keyapi_joins_once(const Join *join);

/*
 * Whether each row of the outer side, or of the inner, is in the join's result even
 * if it has no partner, or if the other side is empty.
 */
extern bool keyapi_preserves_outer(const Join *join);
extern bool keyapi_preserves_inner(const Join *join);

/*
 * Whether the node is an Append or MergeAppend that reads all of the children that
 * it has once the executor has started.
 */
extern bool keyapi_appends_all(const PlannedStmt *statement, const Plan *plan);

/*
 * The CteScan nodes that read a CTE, whose subplan has that id; palloc'd.  NIL if
 * the subplan is no CTE.
 */
extern List *keyapi_cte_readers(const PlannedStmt *statement, int cte);

#endif							/* KEYAPI_PLAN_TREE_H */
