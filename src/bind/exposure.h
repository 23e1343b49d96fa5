/*-------------------------------------------------------------------------
 *
 * exposure.h
 *	  Which columns of a query block show parameters of a scan.
 *
 *	  A parameter's column can pass through subqueries, CTEs and set operations: a
 *	  filter on what comes out at the other side still restricts the parameter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_EXPOSURE_H
#define KEYAPI_EXPOSURE_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/clause.h"

/* A column of a query block's range table that shows parameters. */
typedef struct KeyapiExposedColumn
{
	Index		varno;
	AttrNumber	attnum;
	uint32		params;			/* KEYAPI_PARAM_BITs */
} KeyapiExposedColumn;

/* All such columns of one query block. */
typedef struct KeyapiExposure
{
	List	   *columns;		/* of KeyapiExposedColumn */
	Bitmapset  *only;			/* consider these varnos only; NULL: all */
} KeyapiExposure;

/*
 * What the columns of a foreign table show, and those of the append relations
 * that it is a child of.  Palloc'd.
 */
extern KeyapiExposure keyapi_scan_exposure(const KeyapiScanTable *table,
										   PlannerInfo *root);

/*
 * Add a column.  Does nothing if it shows no parameters.
 */
extern void keyapi_expose(KeyapiExposure *exposure, Index varno,
						  AttrNumber attnum, uint32 params);

/*
 * Add the columns of a range table entry: column i + 1 shows outputs[i].
 */
extern void keyapi_expose_outputs(KeyapiExposure *exposure, Index varno,
								  const uint32 *outputs, int noutputs);

/*
 * Add the columns of append relations whose children show something.
 */
extern void keyapi_expose_parents(KeyapiExposure *exposure, PlannerInfo *root);

/* A KeyapiVarParams for the Vars of the query block; arg is its KeyapiExposure. */
extern uint32 keyapi_exposed_var_params(Var *var, void *arg);

/*
 * The target list of what a query returns.
 */
extern List *keyapi_output_columns(const Query *query);

/*
 * The parameters that each output column of a query shows, given the exposure of
 * its range table; palloc'd, one element per output column.
 */
extern uint32 *keyapi_exposed_outputs(const Query *query,
									  KeyapiExposure *exposure);

#endif							/* KEYAPI_EXPOSURE_H */
