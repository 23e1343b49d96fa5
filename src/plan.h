/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Planner callbacks: sizes, paths and plans.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PLAN_H
#define KEYAPI_PLAN_H

#include "compat.h"

#include "foreign/fdwapi.h"

extern void keyapiGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
									Oid foreigntableid);
extern void keyapiGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
								  Oid foreigntableid);
extern ForeignScan *keyapiGetForeignPlan(PlannerInfo *root,
										 RelOptInfo *baserel,
										 Oid foreigntableid,
										 ForeignPath *best_path, List *tlist,
										 List *scan_clauses,
										 Plan *outer_plan);

/*
 * The attribute numbers that the plan needs from the scan, offset by
 * FirstLowInvalidHeapAttributeNumber; palloc'd.  The target list does not tell:
 * it may hold all columns just because that is cheaper than a projection.
 */
extern Bitmapset *keyapi_plan_columns(const ForeignScan *plan);

#endif							/* KEYAPI_PLAN_H */
