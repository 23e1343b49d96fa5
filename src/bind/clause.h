/*-------------------------------------------------------------------------
 *
 * clause.h
 *	  What one clause says about parameters, ranks and pages: which columns it
 *	  uses, which parameters it restricts.
 *
 * Nothing here evaluates anything: see source_values.h and virtual_row.h.  Where
 * a clause becomes values: source.h.  All clauses of a scan: clauses.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CLAUSE_H
#define KEYAPI_CLAUSE_H

#include "compat.h"

#include "nodes/params.h"
#include "nodes/primnodes.h"

#include "bind/scan_table.h"

/*
 * The parameters that an expression (or a list of them, or NULL) restricts: those
 * of its Vars.  Only Vars of the expression's own query level are shown to
 * var_params, also from within SubLinks.
 *
 * IS NOT NULL restricts nothing.  NOT EXISTS and NOT IN restrict the parameters
 * of a relation only if they compare nothing else of it: "no excluded code is my
 * region" chooses lists, "no stored row has my id and my region" filters rows.
 */
extern uint32 keyapi_params_in(Node *expr, KeyapiVarParams var_params,
							   void *arg);

/*
 * Ditto, with KEYAPI_DATA_BIT if var_params has told it for any of the Vars.
 */
extern uint32 keyapi_params_and_data_in(Node *expr, KeyapiVarParams var_params,
										void *arg);

/* What a clause uses. */
typedef struct KeyapiClauseUse
{
	uint32		params;			/* parameter columns of the scan */
	bool		rank;			/* its rank or page column */
	bool		data;			/* any other column of the scan */
	bool		foreign;		/* Vars of other relations */
	bool		external;		/* external Params ($1) */
	bool		internal;		/* the executor's Params */
	bool		evaluable;		/* neither volatile functions nor subplans */
} KeyapiClauseUse;

/*
 * What an expression uses; it must not be NULL.
 */
extern KeyapiClauseUse keyapi_clause_use(Node *clause,
										 const KeyapiScanTable *table);

/*
 * Whether a clause raises no error, whatever the values of its Vars.
 */
extern bool keyapi_cannot_fail(Node *clause);

/*
 * Whether an expression (or a list of them, or NULL) has external parameters.
 */
extern bool keyapi_has_external_params(Node *expr);

/*
 * Fold the values of external parameters into an implicitly ANDed list of
 * clauses and simplify it.  Parameters of the executor stay.  The result is new,
 * in CurrentMemoryContext; a contradiction is a constant.
 */
extern List *keyapi_fold(List *clauses, ParamListInfo params);

#endif							/* KEYAPI_CLAUSE_H */
