/*-------------------------------------------------------------------------
 *
 * pathkeys.c
 *	  The orders in which a scan can deliver its rows, as pathkeys.
 *
 * Rows can come list after list, the lists sorted by parameters and each list by
 * rank; or in rounds, the first row of each list, then the second.  A parameter
 * that has one value only may stand anywhere in a sort key.
 *
 *-------------------------------------------------------------------------
 */
#include "plan/pathkeys.h"

#include "access/stratnum.h"
#include "catalog/pg_opfamily.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/paths.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

typedef struct OrderContext
{
	KeyapiOrder *order;
	RelOptInfo *rel;
	const KeyapiScanTable *table;
	uint32		open;			/* parameters with several values that are not
								 * among the keys yet */
	bool		by_rank;		/* rank is among the keys */
} OrderContext;

/*
 * The member of a sort key's class that is this column, or NULL.
 */
static EquivalenceMember *
find_column(const PathKey *key, const OrderContext *context, AttrNumber attnum,
			PlannerInfo *root)
{
	RangeTblEntry *rte = planner_rt_fetch(context->rel->relid, root);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (attnum == 0 || key->pk_eclass->ec_has_volatile)
		return NULL;
	get_atttypetypmodcoll(rte->relid, attnum, &type, &typmod, &collation);
	return find_ec_member_matching_expr(key->pk_eclass,
										(Expr *) makeVar(context->rel->relid,
														 attnum, type, typmod,
														 collation, 0),
										context->rel->relids);
}

/*
 * Whether the rows can be sorted by rank at this point of the key.
 */
static bool
add_rank(OrderContext *context, const PathKey *key)
{
	if (keyapi_pathkey_strategy(key) != BTLessStrategyNumber ||
		key->pk_opfamily != INTEGER_BTREE_FAM_OID || context->by_rank)
		return false;
	if (context->open != 0)
	{
		/* rounds over the lists: then no list may come before another */
		if (context->order->nkeys > 0)
			return false;
		context->order->rank_major = true;
	}
	context->by_rank = true;
	return true;
}

/*
 * Whether values that are equal to a sort key are the same value of a parameter.
 * Otherwise the lists of two such values would come one after the other.
 */
static bool
tells_values_apart(const PathKey *key)
{
	Oid			collation = key->pk_eclass->ec_collation;

	return key->pk_opfamily == INTEGER_BTREE_FAM_OID ||
		key->pk_opfamily == BOOL_BTREE_FAM_OID ||
		(key->pk_opfamily == TEXT_BTREE_FAM_OID &&
		 get_collation_isdeterministic(collation));
}

static bool
add_param(OrderContext *context, const PathKey *key, int param,
		  const EquivalenceMember *member)
{
	KeyapiOrderKey *order_key;
	Oid			operator;

	if ((context->open & KEYAPI_PARAM_BIT(param)) == 0)
		return true;			/* one value, or sorted by it already */
	if (!tells_values_apart(key))
		return false;
	operator = get_opfamily_member(key->pk_opfamily, member->em_datatype,
								   member->em_datatype,
								   keyapi_pathkey_strategy(key));
	if (!OidIsValid(operator))
		return false;
	order_key = &context->order->keys[context->order->nkeys++];
	order_key->param = param;
	order_key->operator = operator;
	order_key->descending =
		keyapi_pathkey_strategy(key) == BTGreaterStrategyNumber;
	order_key->collation = key->pk_eclass->ec_collation;
	context->open &= ~KEYAPI_PARAM_BIT(param);
	return true;
}

/*
 * Whether a sort key is determined by a row of the relation.  A function that
 * returns a set is not: it makes several rows of one.
 */
static bool
is_of_relation(const PathKey *key, const OrderContext *context)
{
	ListCell   *lc;

	foreach(lc, key->pk_eclass->ec_members)
	{
		const EquivalenceMember *member = lfirst(lc);

		if (bms_equal(member->em_relids, context->rel->relids) &&
			!expression_returns_set((Node *) member->em_expr))
			return true;
	}
	return false;
}

static bool
add_pathkey(OrderContext *context, const PathKey *key, PlannerInfo *root)
{
	/* rank and all parameters identify the row: nothing is left to sort */
	if (context->by_rank && context->open == 0)
		return is_of_relation(key, context) && !key->pk_eclass->ec_has_volatile;
	if (find_column(key, context, context->table->rank, root) != NULL)
		return add_rank(context, key);
	for (int i = 0; i < context->table->endpoint->nparams; i++)
	{
		EquivalenceMember *member = find_column(key, context,
												context->table->params[i],
												root);

		if (member != NULL)
			return add_param(context, key, i, member);
	}
	return false;
}

int
keyapi_order_for_pathkeys(KeyapiOrder *order, PlannerInfo *root,
						  RelOptInfo *rel, const KeyapiScanTable *table,
						  const KeyapiPreview *preview, List *pathkeys)
{
	OrderContext context = {order, rel, table};
	int			n = 0;
	ListCell   *lc;

	memset(order, 0, sizeof(*order));
	for (int i = 0; i < table->endpoint->nparams; i++)
	{
		if (!preview->single[i])
			context.open |= KEYAPI_PARAM_BIT(i);
	}
	foreach(lc, pathkeys)
	{
		if (!add_pathkey(&context, lfirst(lc), root))
			break;
		n++;
	}
	return n;
}
