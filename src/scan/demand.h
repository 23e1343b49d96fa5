/*-------------------------------------------------------------------------
 *
 * demand.h
 *	  How far the executor will read a scan: the plan around the scan says
 *	  it, and what is asked of the executor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DEMAND_H
#define KEYAPI_DEMAND_H

#include "compat.h"

#include "nodes/execnodes.h"

#include "scan/pages.h"

/* What the plan says of a scan. */
typedef struct KeyapiDemandHint
{
	KeyapiDemand demand;		/* if the plan's result is read to its end */
	bool		certain;		/* ... or as soon as a row of it is read: a
								 * sort reads all of its input first */
	bool		limited;		/* reach is that of a LIMIT's rows */
} KeyapiDemandHint;

/*
 * Watch the executor; once, when the library is loaded.
 */
extern void keyapi_demand_init(void);

extern KeyapiDemandHint keyapi_demand_hint(const ForeignScanState *node);

/*
 * How far the scan will be read by the run of the executor that is asking for
 * a row.  max_rows are the rows after which a LIMIT provably ends it, or -1.
 */
extern KeyapiDemand keyapi_demand_now(const KeyapiDemandHint *hint,
									  const ForeignScanState *node,
									  int64 max_rows);

#endif							/* KEYAPI_DEMAND_H */
