/*-------------------------------------------------------------------------
 *
 * restriction_marks.c
 *	  Marks that stand for restricted parameters.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction_marks.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

Var *
keyapi_mark_var(uint32 params, Node *original)
{
	return makeVar(INDEX_VAR, (AttrNumber) params, exprType(original),
				   exprTypmod(original), exprCollation(original), 0);
}

uint32
keyapi_mark_var_params(Var *var, void *arg)
{
	return (uint32) var->varattno;
}

uint32
keyapi_restricted_elsewhere(const KeyapiRestrictions *restrictions)
{
	return restrictions->certain |
		keyapi_params_in((Node *) restrictions->clauses, keyapi_mark_var_params,
						 NULL);
}
