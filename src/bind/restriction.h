/*-------------------------------------------------------------------------
 *
 * restriction.h
 *	  Which parameters of a scan the query restricts, at plan time.
 *
 * Room by room: restriction.c knows the clauses of one query block,
 * restriction_peers.c what it means if parameters are compared with each other,
 * restriction_outside.c climbs from a block to those around it, restriction_cte.c reads
 * blocks that are not planned yet.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_H
#define KEYAPI_RESTRICTION_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/clause.h"

typedef struct KeyapiRestrictions
{
	uint32		certain;		/* parameters restricted whatever the values
								 * of external parameters */
	List	   *clauses;		/* that restrict others, unless they vanish:
								 * see KeyapiPlanPrivate.outer_clauses */
	uint32		conflicts;		/* see KeyapiPlanPrivate.conflicts */
	uint32		joined;			/* parameters restricted by a join */
} KeyapiRestrictions;

/*
 * What of the query restricts parameters of the relation, besides the scan's
 * own conditions: joins and enclosing query blocks.  In the planner's callbacks
 * only.
 */
extern void keyapi_find_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
									 RelOptInfo *rel,
									 const KeyapiScanColumns *columns);

/*
 * Parameters that the query may restrict, as far as is known at plan time, for
 * a scan with these clauses.
 */
extern uint32 keyapi_restricted_params(const KeyapiRestrictions *restrictions, List *clauses,
									   const KeyapiScanColumns *columns);

/* ---------------------------------------------------------------------
 * Between the rooms
 * ---------------------------------------------------------------------
 */

/*
 * The columns of a query block's range table that show parameters of the scan:
 * a list of KeyapiExposedColumn.
 */
typedef struct KeyapiExposedColumn
{
	Index		varno;
	AttrNumber	attnum;
	uint32		params;
} KeyapiExposedColumn;

typedef struct KeyapiExposure
{
	List	   *columns;
	Bitmapset  *only;			/* consider these varnos only; NULL: all */
} KeyapiExposure;

extern void keyapi_expose(KeyapiExposure *exposure, Index varno,
						  AttrNumber attnum, uint32 params);

/* A KeyapiVarParams; arg is a KeyapiExposure. */
extern uint32 keyapi_exposed_var_params(Var *var, void *arg);

/*
 * Add a clause that restricts rows: it mentions the exposed parameters in it.
 */
extern void keyapi_add_restriction(KeyapiRestrictions *restrictions, Node *clause,
								   KeyapiExposure *exposure);

/*
 * What the columns of a foreign table show, its parents' included.
 */
extern KeyapiExposure keyapi_scan_exposure(const KeyapiScanColumns *columns,
										   PlannerInfo *root);

/*
 * Add what a relation's own clauses, joins and equivalence classes (but one)
 * mention.
 */
extern void keyapi_add_rel_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
										RelOptInfo *rel, KeyapiExposure *exposure,
										EquivalenceClass *except);

/*
 * If an equivalence class holds nothing but parameters of foreign tables, the
 * relation's among them, add what it mentions: whatever restricts one of the
 * others.  Else false, and nothing is added.
 */
extern bool keyapi_add_peers(KeyapiRestrictions *restrictions, PlannerInfo *root,
							 EquivalenceClass *class, RelOptInfo *rel);

/*
 * Extend an exposure to the parents of append relations whose children expose
 * something.
 */
extern void keyapi_expose_parents(KeyapiExposure *exposure, PlannerInfo *root);

/*
 * The target list of what a query returns.
 */
static inline List *
keyapi_output_columns(const Query *query)
{
	return query->commandType == CMD_SELECT ? query->targetList :
		query->returningList;
}

/*
 * Add what the rest of the query block and the blocks around it mention.
 */
extern void keyapi_add_outside_restrictions(KeyapiRestrictions *restrictions,
											PlannerInfo *root,
											KeyapiExposure *exposure);

/*
 * Add what a query whose planning has only just begun mentions where it uses a
 * CTE of its own whose output columns show parameters: outputs[i] is for column
 * i + 1.  Returns the same for the outputs of the query, palloc'd.
 */
extern uint32 *keyapi_add_cte_restrictions(KeyapiRestrictions *restrictions,
										   PlannerInfo *root,
										   CommonTableExpr *cte,
										   const uint32 *outputs);

#endif							/* KEYAPI_RESTRICTION_H */
