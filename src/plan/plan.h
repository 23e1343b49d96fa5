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

#endif							/* KEYAPI_PLAN_H */
