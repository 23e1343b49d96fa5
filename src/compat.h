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

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"

/*
 * Parameters of an ExecutorRun_hook, and how they are passed on.
 */
#if PG_VERSION_NUM >= 180000
#define KEYAPI_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count
#define KEYAPI_EXECUTOR_RUN_ARGS query, direction, count
#else
#define KEYAPI_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define KEYAPI_EXECUTOR_RUN_ARGS query, direction, count, execute_once
#endif

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

#endif							/* KEYAPI_COMPAT_H */
