/*-------------------------------------------------------------------------
 *
 * plan_private.h
 *	  What the planner tells the executor: the copyable data of a plan node.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PLAN_PRIVATE_H
#define KEYAPI_PLAN_PRIVATE_H

#include "compat.h"

#include "nodes/pg_list.h"

#include "bind/clause.h"
#include "bind/combinations.h"

typedef struct KeyapiPlanPrivate
{
	/*
	 * Parameters that are restricted by something that the scan's own
	 * conditions do not show: joins, partition bounds, enclosing queries.
	 */
	uint32		restricted;

	/*
	 * Clauses that restrict parameters from outside, unless external
	 * parameters ($1) make them vanish.  The Vars of keyapi_mark_var stand
	 * for the parameters, all else is opaque.
	 */
	List	   *outer_clauses;

	/*
	 * Parameters that are only compared with those of other foreign tables
	 * whose defaults differ: without another restriction they have no
	 * default.
	 */
	uint32		conflicts;

	KeyapiOrder order;			/* of the rows, as far as promised */
	int64		max_rows;		/* after which the scan provably stops, or -1 */

	/*
	 * The attribute numbers that the plan needs from the scan, offset by
	 * FirstLowInvalidHeapAttributeNumber.  The target list does not tell: it
	 * may hold all columns just because that is cheaper than a projection.
	 */
	Bitmapset  *columns;
} KeyapiPlanPrivate;

/*
 * The facts as a list that copyObject can copy (fdw_private), and back.
 */
extern List *keyapi_plan_private_pack(const KeyapiPlanPrivate *private);
extern void keyapi_plan_private_unpack(KeyapiPlanPrivate *private, List *packed);

/*
 * A Var of this type that stands for parameters in the outer clauses; with none,
 * for anything that the executor need not know.
 */
extern Var *keyapi_mark_var(uint32 params, Node *original);

/* A KeyapiVarParams for such Vars; arg is ignored. */
extern uint32 keyapi_mark_var_params(Var *var, void *arg);

/*
 * The parameters that the query restricts, as a set of KEYAPI_PARAM_BITs, by the
 * scan's own clauses or otherwise.  If external parameters are known, clauses
 * and facts->outer_clauses must have them folded: a generic plan must agree with
 * a custom one.
 */
extern uint32 keyapi_plan_private_restricted(const KeyapiPlanPrivate *private,
											 List *clauses,
											 KeyapiScanColumns *columns);

#endif							/* KEYAPI_PLAN_PRIVATE_H */
