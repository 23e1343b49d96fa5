/*-------------------------------------------------------------------------
 *
 * virtual_row.h
 *	  A row of which only the parameters, rank and page are known, to evaluate
 *	  clauses on before any list is read.
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
 * A virtual row of the table, in CurrentMemoryContext; the table must live as
 * long.  parent is the scan node whose Params the expressions may use.  Outside
 * of execution it is NULL, and expressions must have no Params.
 */
extern KeyapiVirtualRow *keyapi_virtual_row(const KeyapiScanTable *table,
											PlanState *parent);

/*
 * Free a row that was made without a parent.  It also goes with its memory
 * context.
 */
extern void keyapi_virtual_row_free(KeyapiVirtualRow *row);

/*
 * Compile an expression, an implicitly ANDed list of clauses.
 */
extern ExprState *keyapi_virtual_row_expr(KeyapiVirtualRow *row, Expr *expr);
extern ExprState *keyapi_virtual_row_qual(KeyapiVirtualRow *row, List *clauses);

/*
 * Whether keyapi_virtual_row_param_datum surely raises nothing for this parameter
 * as long as the value is not required.  True for one without a column.
 */
extern bool keyapi_virtual_row_param_foreseeable(KeyapiVirtualRow *row, int param);

/*
 * The value of a parameter's column, which must exist, in CurrentMemoryContext;
 * false if the column's type cannot hold it, so that no row has it.  Raises the
 * type's error if the value is required or the type is not foreseeable.
 */
extern bool keyapi_virtual_row_param_datum(KeyapiVirtualRow *row, int param,
										   const char *text, bool required,
										   Datum *datum);

/*
 * Set a column of the row; does nothing if the table has no such column.  The
 * caller keeps the datum.  The functions for rank and page return false if the
 * column's type cannot hold the number, or may not.
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
