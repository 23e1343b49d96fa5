/*-------------------------------------------------------------------------
 *
 * restriction.h
 *	  Which parameters of a scan the query restricts elsewhere than in the
 *	  scan's own clauses: the way in.
 *
 *	  The files below it, each of which uses only those before it:
 *	    exposure             which columns show parameters
 *	    restriction_marks    the result, as a plan carries it
 *	    restriction_block    clauses, joins, equivalence classes of a query block
 *	    restriction_cte      queries that are not planned yet
 *	    restriction_outside  climbs from a query block to those around it
 *	    restriction_peers    parameters compared with each other
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_H
#define KEYAPI_RESTRICTION_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/clause.h"
#include "bind/restriction_marks.h"

/*
 * Find what restricts parameters of the relation, besides the scan's own clauses:
 * joins and the query blocks around it.  Only in the planner's callbacks.
 */
extern void keyapi_find_restrictions(KeyapiRestrictions *restrictions,
									 PlannerInfo *root, RelOptInfo *rel,
									 const KeyapiScanTable *table);

#endif							/* KEYAPI_RESTRICTION_H */
