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
	uint32		result = restrictions->certain;
	ListCell   *lc;

	foreach(lc, restrictions->clauses)
	{
		uint32		params = keyapi_params_and_data_in(lfirst(lc),
													   keyapi_mark_var_params, NULL);

		/* folding may yet remove the mark for data */
		if ((params & KEYAPI_DATA_BIT) == 0 ||
			keyapi_has_external_params(lfirst(lc)))
			result |= params & ~KEYAPI_DATA_BIT;
	}
	return result;
}
