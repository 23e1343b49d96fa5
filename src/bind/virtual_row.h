/*-------------------------------------------------------------------------
 *
 * virtual_row.h
 *	  A row that no list holds yet: only its parameters, rank and page are
 *	  known.  Clauses that speak of nothing else can be evaluated on it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_VIRTUAL_ROW_H
#define KEYAPI_VIRTUAL_ROW_H

#include "compat.h"

#include "nodes/execnodes.h"

#include "bind/scan_table.h"

typedef struct KeyapiVirtualRow KeyapiVirtualRow;

/*
 * A virtual row of the relation, in CurrentMemoryContext.  parent is the scan
 * node whose parameters the expressions may use; NULL outside of execution:
 * then expressions must have no parameters.
 */
extern KeyapiVirtualRow *keyapi_virtual_row(const KeyapiScanTable *table,
											PlanState *parent);

/* Free what outlives memory contexts: only needed without a parent. */
extern void keyapi_virtual_row_free(KeyapiVirtualRow *row);

/*
 * Compile an expression, an implicitly ANDed list of clauses.
 */
extern ExprState *keyapi_virtual_row_expr(KeyapiVirtualRow *row, Expr *expr);
extern ExprState *keyapi_virtual_row_qual(KeyapiVirtualRow *row, List *clauses);

/*
 * Whether keyapi_virtual_row_param_datum surely raises nothing for this parameter,
 * unless the value is required.
 */
extern bool keyapi_virtual_row_param_foreseeable(KeyapiVirtualRow *row, int param);

/*
 * The value of a parameter's column, in CurrentMemoryContext; false if the
 * column's type cannot hold it, so that no row has it.  Where that is not to be
 * foreseen, or if the value is required, raises the error of the type.
 */
extern bool keyapi_virtual_row_param_datum(KeyapiVirtualRow *row, int param,
										   const char *text, bool required,
										   Datum *datum);

/*
 * Set a column of the row.  The datum is kept by the caller.
 */
extern void keyapi_virtual_row_set_param(KeyapiVirtualRow *row, int param, Datum datum);
extern bool keyapi_virtual_row_set_rank(KeyapiVirtualRow *row, int64 rank);
extern bool keyapi_virtual_row_set_page(KeyapiVirtualRow *row, int64 page);

/*
 * Evaluate on the row as it is.  By-reference results live until the next call
 * of keyapi_virtual_row_reset, which also forgets what keyapi_virtual_row_set_rank and
 * keyapi_virtual_row_set_page set.
 */
extern bool keyapi_virtual_row_satisfies(KeyapiVirtualRow *row, ExprState *qual);
extern Datum keyapi_virtual_row_value(KeyapiVirtualRow *row, ExprState *expr,
									  bool *isnull);
extern void keyapi_virtual_row_reset(KeyapiVirtualRow *row);

#endif							/* KEYAPI_VIRTUAL_ROW_H */
