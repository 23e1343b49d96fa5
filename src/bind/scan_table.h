/*-------------------------------------------------------------------------
 *
 * scan_table.h
 *	  The foreign table of a scan, as the scan's clauses see it: which columns
 *	  say which list, rank and page.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SCAN_TABLE_H
#define KEYAPI_SCAN_TABLE_H

#include "compat.h"

#include "nodes/bitmapset.h"
#include "nodes/primnodes.h"
#include "utils/rel.h"

#include "api/endpoint.h"
#include "options/option.h"

typedef struct KeyapiScanTable
{
	const char *name;			/* for messages */
	TupleDesc	tupdesc;		/* a copy */
	const KeyapiTableOptions *options;
	const KeyapiEndpoint *endpoint; /* that of the options */
	Index		varno;			/* of the table in the clauses */
	AttrNumber	params[KEYAPI_MAX_PARAMS];	/* 0: has no such column */
	AttrNumber	rank;			/* or 0 */
	AttrNumber	page;			/* or 0 */
	Bitmapset  *not_null;		/* attribute numbers of NOT NULL columns */

	/*
	 * By parameter, the columns of fields that look like it; their attribute
	 * numbers are offset by FirstLowInvalidHeapAttributeNumber.
	 */
	Bitmapset  *lookalikes[KEYAPI_MAX_PARAMS];
} KeyapiScanTable;

/*
 * Describe a foreign table with these options, whose Vars have this varno.
 * Palloc'd; needs rel no longer, but the options as long as it lives.
 */
extern KeyapiScanTable *keyapi_scan_table(Relation rel, Index varno,
										  const KeyapiTableOptions *options);

/*
 * The bounds of a table that is a partition, as an implicitly ANDed list of
 * clauses on Vars with this varno; NIL if it is not one.
 */
extern List *keyapi_partition_bounds(Relation rel, Index varno);

/*
 * Sets of parameters are bit masks: bit i is parameter i of the endpoint.
 */
#define KEYAPI_PARAM_BIT(param) (1U << (param))

/*
 * Which parameters a Var stands for; arg is the caller's.  KEYAPI_DATA_BIT is
 * added where it stands for something else of the scan's rows, too.  A Var that
 * has nothing to do with the scan stands for 0.
 */
typedef uint32 (*KeyapiVarParams) (Var *var, void *arg);

/* Above all parameters, and within an AttrNumber: see keyapi_mark_var */
#define KEYAPI_DATA_BIT (1U << 14)

/*
 * A KeyapiVarParams for the Vars of a scan; arg is its KeyapiScanTable.  A
 * whole-row Var stands for all parameters that have columns, and for data.
 */
extern uint32 keyapi_scan_var_params(Var *var, void *arg);

#endif							/* KEYAPI_SCAN_TABLE_H */
