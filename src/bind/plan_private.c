/*-------------------------------------------------------------------------
 *
 * plan_private.c
 *	  Data of a plan node.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/plan_private.h"

#include "nodes/bitmapset.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"

/* Order of the list, such as (2 (clause...) 0 (0) (664) (0) (100) 0 -1 (8 9)) */
enum
{
	FACT_MENTIONED,				/* Integer */
	FACT_OUTER_CLAUSES,			/* List of expressions */
	FACT_CONFLICTS,				/* Integer */
	FACT_ORDER_PARAMS,			/* integer list */
	FACT_ORDER_OPERATORS,		/* OID list */
	FACT_ORDER_DESCENDING,		/* integer list, 0 or 1 each */
	FACT_ORDER_COLLATIONS,		/* OID list */
	FACT_RANK_MAJOR,			/* Integer, 0 or 1 */
	FACT_MAX_ROWS,				/* Integer; -1 also where it does not fit */
	FACT_COLUMNS				/* integer list */
};

List *
keyapi_plan_private_pack(const KeyapiPlanPrivate *private)
{
	List	   *params = NIL;
	List	   *operators = NIL;
	List	   *descending = NIL;
	List	   *collations = NIL;
	List	   *columns = NIL;
	int			column = -1;
	int64		max_rows = private->max_rows > PG_INT32_MAX ? -1 : private->max_rows;

	for (int i = 0; i < private->order.nkeys; i++)
	{
		const KeyapiOrderKey *key = &private->order.keys[i];

		params = lappend_int(params, key->param);
		operators = lappend_oid(operators, key->operator);
		descending = lappend_int(descending, key->descending);
		collations = lappend_oid(collations, key->collation);
	}
	while ((column = bms_next_member(private->columns, column)) >= 0)
		columns = lappend_int(columns, column);

	return list_concat(list_make5(makeInteger((int) private->restricted),
								  private->outer_clauses,
								  makeInteger((int) private->conflicts),
								  params, operators),
					   list_make5(descending, collations,
								  makeInteger(private->order.rank_major),
								  makeInteger((int) max_rows),
								  columns));
}

void
keyapi_plan_private_unpack(KeyapiPlanPrivate *private, List *packed)
{
	List	   *params = list_nth(packed, FACT_ORDER_PARAMS);
	List	   *operators = list_nth(packed, FACT_ORDER_OPERATORS);
	List	   *descending = list_nth(packed, FACT_ORDER_DESCENDING);
	List	   *collations = list_nth(packed, FACT_ORDER_COLLATIONS);
	ListCell   *lc;

	memset(private, 0, sizeof(*private));
	private->restricted = (uint32) intVal(list_nth(packed, FACT_MENTIONED));
	private->outer_clauses = list_nth(packed, FACT_OUTER_CLAUSES);
	private->conflicts = (uint32) intVal(list_nth(packed, FACT_CONFLICTS));
	private->order.nkeys = list_length(params);
	for (int i = 0; i < private->order.nkeys; i++)
	{
		private->order.keys[i].param = list_nth_int(params, i);
		private->order.keys[i].operator = list_nth_oid(operators, i);
		private->order.keys[i].descending = list_nth_int(descending, i) != 0;
		private->order.keys[i].collation = list_nth_oid(collations, i);
	}
	private->order.rank_major = intVal(list_nth(packed, FACT_RANK_MAJOR)) != 0;
	private->max_rows = intVal(list_nth(packed, FACT_MAX_ROWS));
	foreach(lc, (List *) list_nth(packed, FACT_COLUMNS))
		private->columns = bms_add_member(private->columns, lfirst_int(lc));
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
keyapi_plan_private_restricted(const KeyapiPlanPrivate *private, List *clauses,
							   KeyapiScanColumns *columns)
{
	return private->restricted |
		keyapi_params_in((Node *) clauses, keyapi_scan_var_params, columns) |
		keyapi_params_in((Node *) private->outer_clauses, keyapi_mark_var_params,
						 NULL);
}
