/*-------------------------------------------------------------------------
 *
 * lookalike_clauses.c
 *	  Clauses on columns that look like a parameter.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/lookalike_clauses.h"

#include "access/sysattr.h"
#include "optimizer/optimizer.h"

/*
 * The columns in a clause that look like a parameter.
 */
static Bitmapset *
lookalike_columns(const KeyapiClause *clause, const KeyapiScanTable *table,
				  int param)
{
	Bitmapset  *columns = NULL;

	pull_varattnos(clause->expr, table->varno, &columns);
	return bms_int_members(columns, table->lookalikes[param]);
}

/*
 * Whether a clause may be evaluated for a row before the executor does so: it is
 * the first that the executor evaluates, or it cannot fail and needs no InitPlan,
 * which might cost something.
 */
static bool
may_go_first(const KeyapiClauses *clauses, int i)
{
	const KeyapiClause *clause = &clauses->items[i];

	return clause->use.evaluable &&
		(i == 0 || (!clause->use.internal && keyapi_cannot_fail(clause->expr)));
}

static bool
find_clauses(KeyapiLookalike *lookalike, const KeyapiClauses *clauses, int param)
{
	const KeyapiScanTable *table = clauses->table;

	memset(lookalike, 0, sizeof(*lookalike));
	for (int i = 0; i < clauses->nitems; i++)
	{
		Bitmapset  *columns = lookalike_columns(&clauses->items[i], table, param);

		if (bms_is_empty(columns) || !may_go_first(clauses, i))
			continue;
		if (lookalike->clauses == NIL)
		{
			int			attnum = bms_next_member(columns, -1) +
			FirstLowInvalidHeapAttributeNumber;

			lookalike->column = NameStr(TupleDescAttr(table->tupdesc, attnum - 1)->attname);
		}
		lookalike->clauses = lappend(lookalike->clauses, clauses->items[i].expr);
	}
	return lookalike->clauses != NIL;
}

bool
keyapi_lookalike_clauses(KeyapiLookalike *lookalike, const KeyapiClauses *clauses)
{
	const KeyapiScanTable *table = clauses->table;

	for (int i = 0; i < table->endpoint->nparams; i++)
	{
		const KeyapiParamOptions *options = &table->options->params[i];

		if (table->lookalikes[i] == NULL ||
			(clauses->restricted & KEYAPI_PARAM_BIT(i)) != 0 ||
			options->kind != KEYAPI_DEFAULT_VALUE ||
			!find_clauses(lookalike, clauses, i))
			continue;
		lookalike->param = table->endpoint->params[i].name;
		lookalike->value = options->value;
		lookalike->item = table->endpoint->item;
		return true;
	}
	return false;
}
