/*-------------------------------------------------------------------------
 *
 * outer_rels.h
 *	  Which other relations a scan may get its parameters' values from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_OUTER_RELS_H
#define KEYAPI_OUTER_RELS_H

#include "compat.h"

#include "nodes/pathnodes.h"

/*
 * The sets of outer relations to make parameterised paths for, as a list of
 * Relids; each includes what LATERAL demands.
 */
extern List *keyapi_outer_sets(PlannerInfo *root, RelOptInfo *rel);

#endif							/* KEYAPI_OUTER_RELS_H */
