/*-------------------------------------------------------------------------
 *
 * plan_private.c
 *	  The private data of a plan node, to and from a list.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/plan_private.h"

#include "nodes/bitmapset.h"
#include "nodes/value.h"

/*
 * Order of the list, such as
 * (2 (clause...) 0 (0) (664) (0) (100) 0 -1 (8 9) 0 (5 0 0 0 0 0))
 */
enum
{
	PRIVATE_CERTAIN,			/* Integer */
	PRIVATE_CLAUSES,			/* List of expressions */
	PRIVATE_CONFLICTS,			/* Integer */
	PRIVATE_ORDER_PARAMS,		/* integer list */
	PRIVATE_ORDER_OPERATORS,	/* OID list */
	PRIVATE_ORDER_DESCENDING,	/* integer list, 0 or 1 each */
	PRIVATE_ORDER_COLLATIONS,	/* OID list */
	PRIVATE_RANK_MAJOR,			/* Integer, 0 or 1 */
	PRIVATE_MAX_ROWS,			/* Integer; -1 also where it does not fit */
	PRIVATE_COLUMNS,			/* integer list */
	PRIVATE_BOUNDED,			/* Integer */
	PRIVATE_REASONS				/* integer list, by parameter */
};

List *
keyapi_plan_private_pack(const KeyapiPlanPrivate *private)
{
	const KeyapiRestrictions *restrictions = &private->restrictions;
	List	   *params = NIL;
	List	   *operators = NIL;
	List	   *descending = NIL;
	List	   *collations = NIL;
	List	   *columns = NIL;
	List	   *reasons = NIL;
	List	   *result;
	int			column = -1;
	int64		max_rows = private->max_rows;

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
	for (int i = 0; i < KEYAPI_MAX_PARAMS; i++)
		reasons = lappend_int(reasons, restrictions->reasons[i]);

	if (max_rows > PG_INT32_MAX)
		max_rows = -1;
	result = list_concat(list_make5(makeInteger((int) restrictions->certain),
									restrictions->clauses,
									makeInteger((int) restrictions->conflicts),
									params, operators),
						 list_make5(descending, collations,
									makeInteger(private->order.rank_major),
									makeInteger((int) max_rows),
									columns));
	return list_concat(result,
					   list_make2(makeInteger((int) restrictions->bounded), reasons));
}

void
keyapi_plan_private_unpack(KeyapiPlanPrivate *private, List *packed)
{
	KeyapiRestrictions *restrictions = &private->restrictions;
	List	   *params = list_nth(packed, PRIVATE_ORDER_PARAMS);
	List	   *operators = list_nth(packed, PRIVATE_ORDER_OPERATORS);
	List	   *descending = list_nth(packed, PRIVATE_ORDER_DESCENDING);
	List	   *collations = list_nth(packed, PRIVATE_ORDER_COLLATIONS);
	ListCell   *lc;

	memset(private, 0, sizeof(*private));
	restrictions->certain = (uint32) intVal(list_nth(packed, PRIVATE_CERTAIN));
	restrictions->clauses = list_nth(packed, PRIVATE_CLAUSES);
	restrictions->conflicts = (uint32) intVal(list_nth(packed, PRIVATE_CONFLICTS));
	private->order.nkeys = list_length(params);
	for (int i = 0; i < private->order.nkeys; i++)
	{
		private->order.keys[i].param = list_nth_int(params, i);
		private->order.keys[i].operator = list_nth_oid(operators, i);
		private->order.keys[i].descending = list_nth_int(descending, i) != 0;
		private->order.keys[i].collation = list_nth_oid(collations, i);
	}
	private->order.rank_major = intVal(list_nth(packed, PRIVATE_RANK_MAJOR)) != 0;
	private->max_rows = intVal(list_nth(packed, PRIVATE_MAX_ROWS));
	foreach(lc, (List *) list_nth(packed, PRIVATE_COLUMNS))
		private->columns = bms_add_member(private->columns, lfirst_int(lc));
	restrictions->bounded = (uint32) intVal(list_nth(packed, PRIVATE_BOUNDED));
	foreach(lc, (List *) list_nth(packed, PRIVATE_REASONS))
		restrictions->reasons[foreach_current_index(lc)] = lfirst_int(lc);
}
