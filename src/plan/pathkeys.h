/*-------------------------------------------------------------------------
 *
 * pathkeys.h
 *	  The orders in which a scan can deliver its rows, as pathkeys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PATHKEYS_H
#define KEYAPI_PATHKEYS_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/combinations.h"
#include "bind/preview.h"

/*
 * How to read lists so that the rows come sorted by as many of the pathkeys as
 * possible, counted from the first.  Returns their number; the order says how.
 */
extern int	keyapi_order_for_pathkeys(KeyapiOrder *order, PlannerInfo *root,
									  RelOptInfo *rel,
									  const KeyapiScanTable *table,
									  const KeyapiPreview *preview,
									  List *pathkeys);

#endif							/* KEYAPI_PATHKEYS_H */
