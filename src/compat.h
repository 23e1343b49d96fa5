/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Every difference between PostgreSQL 15, 16, 17 and 18 that this
 *	  extension meets.  No other file tests PG_VERSION_NUM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_COMPAT_H
#define KEYAPI_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "keyapi_fdw needs PostgreSQL 15 or later"
#endif

#include "access/stratnum.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/pathnode.h"

/*
 * The user whom a scan's permissions are checked for: a view's owner, say.
 */
static inline Oid
keyapi_scan_userid(ForeignScanState *node)
{
#if PG_VERSION_NUM >= 160000
	Oid			userid = castNode(ForeignScan, node->ss.ps.plan)->checkAsUser;
#else
	Index		rti = castNode(ForeignScan, node->ss.ps.plan)->scan.scanrelid;
	Oid			userid = exec_rt_fetch(rti, node->ss.ps.state)->checkAsUser;
#endif

	return OidIsValid(userid) ? userid : GetUserId();
}

/*
 * A path of a foreign scan.  disabled_nodes counts before 18 only as far as the
 * costs do.
 */
static inline ForeignPath *
keyapi_create_path(PlannerInfo *root, RelOptInfo *rel, double rows,
				   int disabled_nodes, Cost startup_cost, Cost total_cost,
				   List *pathkeys, Relids required_outer)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, NULL, rows, disabled_nodes,
								   startup_cost, total_cost, pathkeys,
								   required_outer, NULL, NIL, NIL);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(root, rel, NULL, rows,
								   startup_cost, total_cost, pathkeys,
								   required_outer, NULL, NIL, NIL);
#else
	return create_foreignscan_path(root, rel, NULL, rows,
								   startup_cost, total_cost, pathkeys,
								   required_outer, NULL, NIL);
#endif
}

/*
 * The btree strategy that a sort key stands for: < or >.
 */
static inline int
keyapi_pathkey_strategy(const PathKey *key)
{
#if PG_VERSION_NUM >= 180000
	return key->pk_cmptype == COMPARE_LT ? BTLessStrategyNumber :
		BTGreaterStrategyNumber;
#else
	return key->pk_strategy;
#endif
}

#endif							/* KEYAPI_COMPAT_H */
