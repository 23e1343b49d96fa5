/*-------------------------------------------------------------------------
 *
 * estimate.h
 *	  What the planner knows of a foreign table, and what scanning it costs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ESTIMATE_H
#define KEYAPI_ESTIMATE_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/clause.h"
#include "bind/preview.h"
#include "bind/restriction.h"
#include "options/option.h"

/* State of a foreign table in planning: fdw_private of its RelOptInfo. */
typedef struct KeyapiRelPlan
{
	KeyapiTableOptions *options;
	KeyapiScanColumns columns;
	List	   *bounds;			/* partition bounds, as clauses */
	List	   *base_clauses;	/* bounds and baserestrictinfo, as clauses */
	KeyapiRestrictions restrictions;
	double		rows_per_list;
} KeyapiRelPlan;

/* Size and price of a scan with some set of clauses. */
typedef struct KeyapiEstimate
{
	KeyapiPreview preview;
	double		lists;
	double		requests;
	double		rows;			/* that pass the clauses */
	Cost		startup_cost;
	Cost		total_cost;
} KeyapiEstimate;

/*
 * Estimate a scan with the relation's own clauses and, for a parameterised one,
 * those of param_info (or NULL).
 */
extern void keyapi_estimate(KeyapiEstimate *estimate, PlannerInfo *root,
							RelOptInfo *rel, ParamPathInfo *param_info);

/*
 * The clauses that such a scan has, without RestrictInfos.
 */
extern List *keyapi_path_clauses(const KeyapiRelPlan *plan,
								 ParamPathInfo *param_info);

/* Price of so many requests in the planner's units. */
extern Cost keyapi_requests_cost(double requests);

#endif							/* KEYAPI_ESTIMATE_H */
