/*-------------------------------------------------------------------------
 *
 * restriction_cte.h
 *	  What a query restricts that uses a CTE and is not planned yet.
 *
 *	  A CTE is planned before the query that it belongs to, so that query is still
 *	  as the parser and the rewriter made it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_CTE_H
#define KEYAPI_RESTRICTION_CTE_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/restriction_marks.h"

/*
 * Add what a query restricts, at any depth, where it uses a CTE of its own whose
 * output columns show parameters: column i + 1 shows outputs[i].  root is the
 * query's.  Returns what the query's own output columns show, in the same form;
 * palloc'd.
 */
extern uint32 *keyapi_add_cte_restrictions(KeyapiRestrictions *restrictions,
										   PlannerInfo *root,
										   CommonTableExpr *cte,
										   const uint32 *outputs);

#endif							/* KEYAPI_RESTRICTION_CTE_H */
