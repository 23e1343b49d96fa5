/*-------------------------------------------------------------------------
 *
 * clauses.c
 *	  The clauses of a scan, analysed once.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/clauses.h"

#include "nodes/nodeFuncs.h"

static void
analyse_clause(KeyapiClause *clause, Node *expr, const KeyapiScanTable *table)
{
	clause->expr = expr;
	clause->use = keyapi_clause_use(expr, table);
	for (int i = 0; i < table->endpoint->nparams; i++)
		clause->sources.params[i] = keyapi_param_source(expr, table, i);
	clause->sources.ranks = keyapi_rank_source(expr, table);
}

static void
combine_sources(KeyapiClauses *clauses)
{
	List	   *sources = NIL;

	for (int param = 0; param < clauses->table->endpoint->nparams; param++)
	{
		sources = NIL;
		for (int i = 0; i < clauses->nitems; i++)
			sources = lappend(sources, clauses->items[i].sources.params[param]);
		clauses->sources.params[param] = keyapi_source_and(sources);
	}
	sources = NIL;
	for (int i = 0; i < clauses->nitems; i++)
		sources = lappend(sources, clauses->items[i].sources.ranks);
	clauses->sources.ranks = keyapi_source_and(sources);
}

/*
 * Whether the clause is true of every row, because a column is NOT NULL.  From 17
 * on the planner drops such clauses (plan/initsplan.c), so they restrict nothing
 * on any release.
 */
static bool
is_always_true(Node *expr, const KeyapiScanTable *table)
{
	const NullTest *test = (const NullTest *) expr;
	const Var  *var;
	ListCell   *lc;

	if (is_orclause(expr))
	{
		foreach(lc, ((BoolExpr *) expr)->args)
		{
			if (is_always_true(lfirst(lc), table))
				return true;
		}
		return false;
	}
	if (!IsA(expr, NullTest) || test->nulltesttype != IS_NOT_NULL ||
		test->argisrow || !IsA(test->arg, Var))
		return false;
	var = (const Var *) test->arg;
	return var->varno == table->varno && var->varlevelsup == 0 &&
		var->varattno > 0 &&
		bms_is_member(var->varattno, table->not_null);
}

/*
 * The clauses that some row may not meet.
 */
static List *
meaningful_clauses(List *exprs, const KeyapiScanTable *table)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		if (!is_always_true(lfirst(lc), table))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

static bool
is_constantly_not_true(Node *expr)
{
	Const	   *value = (Const *) expr;

	return IsA(expr, Const) &&
		(value->constisnull || !DatumGetBool(value->constvalue));
}

KeyapiClauses *
keyapi_clauses(const KeyapiScanTable *table, List *exprs,
			   const KeyapiRestrictions *restrictions)
{
	KeyapiClauses *clauses = palloc0(sizeof(KeyapiClauses));
	ListCell   *lc;

	clauses->table = table;
	clauses->restrictions = restrictions;
	clauses->exprs = exprs;
	clauses->items = palloc0(sizeof(KeyapiClause) * Max(list_length(exprs), 1));
	foreach(lc, exprs)
	{
		analyse_clause(&clauses->items[clauses->nitems++], lfirst(lc), table);
		clauses->contradiction |= is_constantly_not_true(lfirst(lc));
	}
	combine_sources(clauses);
	clauses->own = keyapi_params_in((Node *) meaningful_clauses(exprs, table),
									keyapi_scan_var_params,
									unconstify(KeyapiScanTable *, table));
	clauses->restricted = clauses->own;
	if (restrictions != NULL)
		clauses->restricted |= keyapi_restricted_elsewhere(restrictions);
	return clauses;
}

bool
keyapi_is_param_clause(const KeyapiClause *clause)
{
	const KeyapiClauseUse *use = &clause->use;

	return use->params != 0 && !use->rank && !use->data && !use->foreign &&
		use->evaluable;
}
