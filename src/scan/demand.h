/*-------------------------------------------------------------------------
 *
 * demand.h
 *	  How far the executor will read a scan: the plan around the scan says
 *	  it, and what is asked of the executor.
 *
 * What the planner expects to read is another matter: plan/estimate.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DEMAND_H
#define KEYAPI_DEMAND_H

#include "compat.h"

#include "nodes/execnodes.h"
#include "nodes/plannodes.h"

/*
 * How far the rows of a pass, or the first max_rows of them, will be read: pages
 * are asked for ahead only as far as they will surely be read.
 */
typedef enum KeyapiDemand
{
	KEYAPI_READS_SOME,			/* it may end after any row: nothing ahead */
	KEYAPI_READS_ROWS,			/* so many rows more, unless it ends before */
	KEYAPI_READS_ALL,			/* to the end */
	KEYAPI_READS_REST			/* to the end, which was not sure when the
								 * pass began: so its price is not checked */
} KeyapiDemand;

struct KeyapiHashJoins;

/* What the plan says of how far one of its nodes is read. */
typedef struct KeyapiDemandHint
{
	KeyapiDemand demand;		/* if the plan's result is read to its end */
	bool		certain;		/* ... or as soon as a row of it is read: a
								 * sort reads all of its input first */
	bool		limited;		/* demand is for a LIMIT's rows */
	struct KeyapiHashJoins *hashes; /* if not NULL, demand holds once all of
									 * their hash tables have a row */
	bool		row_by_row;		/* each row of the result takes a row of the
								 * scan, which no node has read before */
} KeyapiDemandHint;

/*
 * Watch the executor; once, when the library is loaded.
 */
extern void keyapi_demand_init(void);

/*
 * Whether the run of the executor that is under way is within another one: of a
 * function, say.
 */
extern bool keyapi_runs_within_another(void);

/*
 * What the plan says of one of its nodes.
 */
extern KeyapiDemandHint keyapi_demand_hint_of(const PlannedStmt *statement,
											  const Plan *plan);

/*
 * How far the scan will be read by the run of the executor that is asking for
 * a row.  max_rows are the rows after which a LIMIT provably ends it, or -1.
 * *rows becomes the number of rows that will be read, the one that is asked for
 * included, if the result is KEYAPI_READS_ROWS; else -1.
 */
extern KeyapiDemand keyapi_demand_now(const KeyapiDemandHint *hint,
									  const ForeignScanState *node,
									  int64 max_rows, int64 *rows);

#endif							/* KEYAPI_DEMAND_H */
