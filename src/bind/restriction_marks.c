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

static void
set_reasons(KeyapiRestrictions *restrictions, uint32 params)
{
	for (int i = 0; i < KEYAPI_MAX_PARAMS; i++)
	{
		if ((params & KEYAPI_PARAM_BIT(i)) != 0)
			restrictions->reasons[i] = restrictions->reason;
	}
}

void
keyapi_restrict(KeyapiRestrictions *restrictions, uint32 params)
{
	set_reasons(restrictions, params & ~restrictions->certain);
	restrictions->certain |= params;
}

void
keyapi_restrict_by(KeyapiRestrictions *restrictions, Node *clause, uint32 params)
{
	for (int i = 0; i < KEYAPI_MAX_PARAMS; i++)
	{
		if (restrictions->reasons[i] != KEYAPI_REASON_NONE)
			params &= ~KEYAPI_PARAM_BIT(i);
	}
	set_reasons(restrictions, params);
	restrictions->clauses = lappend(restrictions->clauses, clause);
}

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
