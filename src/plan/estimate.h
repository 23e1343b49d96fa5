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

#include "bind/clauses.h"
#include "bind/preview.h"
#include "bind/restriction_marks.h"

/* State of a foreign table in planning: fdw_private of its RelOptInfo. */
typedef struct KeyapiRelPlan
{
	const KeyapiScanTable *table;
	List	   *bounds;			/* partition bounds, as clauses */
	KeyapiRestrictions restrictions;
	double		rows_per_list;
	KeyapiVirtualRow *row;		/* to evaluate constants on */
	List	   *scans;			/* what is known of scans with some set of
								 * clauses: see estimate.c */
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
 * Gather what the planner needs to know of a foreign table.  Palloc'd.
 */
extern KeyapiRelPlan *keyapi_plan_rel(PlannerInfo *root, RelOptInfo *rel,
									  Oid relid);

/*
 * The clauses of a scan of the relation, whose fdw_private must be set: its own
 * and, for a parameterised scan, those of param_info (or NULL).  Analysed once
 * for each param_info; owned by the relation.
 */
extern const KeyapiClauses *keyapi_scan_clauses(RelOptInfo *rel,
												ParamPathInfo *param_info);

/*
 * The estimate of such a scan.  Made once for each param_info; owned by the
 * relation.
 */
extern const KeyapiEstimate *keyapi_estimate(PlannerInfo *root, RelOptInfo *rel,
											 ParamPathInfo *param_info);

/* Price of so many requests in the planner's units. */
extern Cost keyapi_requests_cost(double requests);

#endif							/* KEYAPI_ESTIMATE_H */
