/*-------------------------------------------------------------------------
 *
 * sequel.h
 *	  What a query will surely read after a scan that it reads now, by its plan:
 *	  other scans, and later passes of the scan itself.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SEQUEL_H
#define KEYAPI_SEQUEL_H

#include "compat.h"

#include "nodes/execnodes.h"

#include "scan/demand.h"

/* A scan that follows. */
typedef struct KeyapiFollower
{
	const Plan *plan;			/* a ForeignScan, of any wrapper */
	KeyapiDemandHint hint;		/* of the node that will begin it */
	bool		limited;		/* below a LIMIT: it follows for sure only if
								 * that bounds its rows */
} KeyapiFollower;

typedef struct KeyapiSequel
{
	List	   *followers;		/* KeyapiFollower, in the order in which they
								 * are read */
	const NestLoop *loop;		/* each of its outer rows begins a pass of the
								 * scan, and reads it to its end; or NULL */
	KeyapiDemandHint loop_hint; /* of the loop */
} KeyapiSequel;

/*
 * The sequel of a scan, palloc'd.  What it says holds while the hint that goes with
 * it says that all rows are read.
 */
extern KeyapiSequel *keyapi_sequel(const PlannedStmt *statement, const Plan *scan);

#endif							/* KEYAPI_SEQUEL_H */
