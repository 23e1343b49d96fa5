/*-------------------------------------------------------------------------
 *
 * restriction_cte.c
 *	  What queries restrict that use a CTE and are not planned yet.
 *
 * Such a query still has SubLinks and subqueries, and outer joins that the
 * planner is going to reduce to inner ones.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction_cte.h"

#include KEYAPI_VAR_SETS_H
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"

#include "bind/exposure.h"
#include "bind/restriction_block.h"

/* A CTE whose output columns show parameters. */
typedef struct ShownCte
{
	const char *name;
	int			depth;			/* of the query whose WITH has it */
	const uint32 *outputs;
	int			noutputs;
} ShownCte;

typedef struct CteContext
{
	PlannerInfo *root;			/* of the outermost query */
	KeyapiRestrictions *restrictions;
	List	   *ctes;			/* of ShownCte: those in scope */
	int			depth;			/* of the query at hand; 0: the outermost */
	KeyapiExposure exposure;	/* of the query at hand */
} CteContext;

static uint32 *read_query(CteContext *context, Query *query);

/* ---------------------------------------------------------------------
 * What the range table shows
 * ---------------------------------------------------------------------
 */

static uint32 *
read_subquery(CteContext *context, Query *query)
{
	KeyapiExposure saved = context->exposure;
	uint32	   *outputs;

	context->depth++;
	outputs = read_query(context, query);
	context->depth--;
	context->exposure = saved;
	return outputs;
}

static void
expose_cte(CteContext *context, Index varno, const RangeTblEntry *rte)
{
	ListCell   *lc;

	foreach(lc, context->ctes)
	{
		const ShownCte *cte = lfirst(lc);

		if (cte->depth == context->depth - (int) rte->ctelevelsup &&
			strcmp(cte->name, rte->ctename) == 0)
			keyapi_expose_outputs(&context->exposure, varno, cte->outputs,
								  cte->noutputs);
	}
}

/*
 * The subquery is read first, because that uses context->exposure.
 */
static void
expose_subquery(CteContext *context, Index varno, Query *query)
{
	uint32	   *outputs = read_subquery(context, query);

	keyapi_expose_outputs(&context->exposure, varno, outputs,
						  list_length(keyapi_output_columns(query)));
}

/*
 * Joins come after what they join, so that their columns are known by then.
 */
static void
read_range_table(CteContext *context, Query *query)
{
	ListCell   *lc;

	context->exposure.columns = NIL;
	context->exposure.only = NULL;
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Index		varno = foreach_current_index(lc) + 1;
		ListCell   *la;

		if (rte->rtekind == RTE_CTE)
			expose_cte(context, varno, rte);
		else if (rte->rtekind == RTE_SUBQUERY)
			expose_subquery(context, varno, rte->subquery);
		foreach(la, keyapi_rte_aliases(rte))
			keyapi_expose(&context->exposure, varno,
						  foreach_current_index(la) + 1,
						  keyapi_params_in(lfirst(la), keyapi_exposed_var_params,
										   &context->exposure));
	}
}

/*
 * The CTEs of the query's own WITH: what they show, and what they restrict.
 */
static void
read_ctes(CteContext *context, Query *query)
{
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		Query	   *cte_query = (Query *) cte->ctequery;
		ShownCte   *shown = palloc(sizeof(ShownCte));

		shown->name = cte->ctename;
		shown->depth = context->depth;
		shown->outputs = read_subquery(context, cte_query);
		shown->noutputs = list_length(keyapi_output_columns(cte_query));
		context->ctes = lappend(context->ctes, shown);
	}
}

/* ---------------------------------------------------------------------
 * Filters
 * ---------------------------------------------------------------------
 */

/*
 * A condition, simplified as the planner will do it.
 */
static Node *
simplified(CteContext *context, Node *quals)
{
	return quals == NULL ? NULL : eval_const_expressions(context->root, quals);
}

/*
 * Collect the relations of the query at hand in a part of its conditions.
 */
typedef struct RelsContext
{
	int			depth;			/* queries entered */
	Bitmapset  *rels;
} RelsContext;

static bool
collect_rels(Node *node, void *arg)
{
	RelsContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == context->depth)
			context->rels = bms_add_member(context->rels,
										   ((Var *) node)->varno);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		context->depth++;
		result = query_tree_walker((Query *) node, collect_rels, context, 0);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, collect_rels, context);
}

/*
 * Relations that a condition forbids to be null-extended.  Sublinks that the
 * planner makes semijoins of count, even if they may turn out not to be strict:
 * then something counts as a filter that is not one.
 */
static Bitmapset *
strict_rels(Node *quals)
{
	RelsContext context = {0, bms_copy(find_nonnullable_rels(quals))};
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) quals))
	{
		SubLink    *sublink = lfirst(lc);

		if (IsA(sublink, SubLink) &&
			(sublink->subLinkType == ANY_SUBLINK ||
			 sublink->subLinkType == EXISTS_SUBLINK))
			collect_rels((Node *) sublink, &context);
	}
	return context.rels;
}

static void
add_filter(CteContext *context, Node *quals, Bitmapset *only)
{
	context->exposure.only = only;
	keyapi_add_restriction(context->restrictions, quals, &context->exposure);
	context->exposure.only = NULL;
}

/* What the conditions above a node of a join tree demand. */
typedef struct Demands
{
	Bitmapset  *nonnullable;	/* relations that may not be null-extended */
	List	   *forced_null;	/* columns that must be NULL, as
								 * find_forced_null_vars has them */
} Demands;

static const Demands no_demands = {NULL, NIL};

/*
 * The demands of a condition, and those from above.
 */
static Demands
demands_of(Node *quals, const Demands *above)
{
	Demands		result = {
		bms_union(above->nonnullable, strict_rels(quals)),
		keyapi_add_vars(find_forced_null_vars(quals), above->forced_null),
	};

	return result;
}

/*
 * The join as it will be once the planner has seen which sides the conditions
 * above it forbid to be null.
 */
static JoinType
reduced_join_type(const JoinExpr *join, Bitmapset *nonnullable)
{
	bool		left = bms_overlap(keyapi_rels_below(join->larg), nonnullable);
	bool		right = bms_overlap(keyapi_rels_below(join->rarg), nonnullable);

	switch (join->jointype)
	{
		case JOIN_LEFT:
			return right ? JOIN_INNER : JOIN_LEFT;
		case JOIN_RIGHT:
			return left ? JOIN_INNER : JOIN_RIGHT;
		case JOIN_FULL:
			return left && right ? JOIN_INNER : left ? JOIN_LEFT :
				right ? JOIN_RIGHT : JOIN_FULL;
		default:
			return join->jointype;
	}
}

static void read_join_tree(CteContext *context, Node *node,
						   const Demands *above);

/*
 * An outer join of this kind.  Its condition filters the side that it does not
 * preserve; and the other one, too, if conditions above it demand that the side
 * be null, in a column that cannot be NULL where the join finds a match.
 */
static void
read_outer_join(CteContext *context, Node *quals, Node *preserved,
				Node *nullable, const Demands *above)
{
	Bitmapset  *rels = keyapi_rels_below(nullable);
	Demands		below = demands_of(quals, &no_demands);

	if (bms_overlap(rels, keyapi_vars_of_both(find_nonnullable_vars(quals),
											  above->forced_null)))
		keyapi_add_anti_join(context->restrictions,
							 make_ands_implicit((Expr *) quals),
							 keyapi_rels_below(preserved), &context->exposure);
	add_filter(context, quals, rels);
	read_join_tree(context, preserved, above);
	read_join_tree(context, nullable, &below);
}

static void
read_join(CteContext *context, JoinExpr *join, const Demands *above)
{
	Node	   *quals = simplified(context, join->quals);
	Demands		demands;

	switch (reduced_join_type(join, above->nonnullable))
	{
		case JOIN_INNER:
			demands = demands_of(quals, above);
			add_filter(context, quals, NULL);
			read_join_tree(context, join->larg, &demands);
			read_join_tree(context, join->rarg, &demands);
			break;
		case JOIN_LEFT:
			read_outer_join(context, quals, join->larg, join->rarg, above);
			break;
		case JOIN_RIGHT:
			read_outer_join(context, quals, join->rarg, join->larg, above);
			break;
		default:
			read_join_tree(context, join->larg, &no_demands);
			read_join_tree(context, join->rarg, &no_demands);
			break;
	}
}

static void
read_join_tree(CteContext *context, Node *node, const Demands *above)
{
	if (node == NULL || IsA(node, RangeTblRef))
		return;
	if (IsA(node, JoinExpr))
		read_join(context, (JoinExpr *) node, above);
	else
	{
		FromExpr   *from = castNode(FromExpr, node);
		Node	   *quals = simplified(context, from->quals);
		Demands		demands = demands_of(quals, above);
		ListCell   *lc;

		add_filter(context, quals, NULL);
		foreach(lc, from->fromlist)
			read_join_tree(context, lfirst(lc), &demands);
	}
}

/* ---------------------------------------------------------------------
 * Queries
 * ---------------------------------------------------------------------
 */

/*
 * Read the queries of the sublinks in an expression; IN and the like compare
 * with what they show.
 */
static bool
read_sublinks(Node *node, void *arg)
{
	CteContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;
		Query	   *query = castNode(Query, sublink->subselect);
		uint32	   *outputs = read_subquery(context, query);

		if (sublink->subLinkType == ANY_SUBLINK ||
			sublink->subLinkType == ALL_SUBLINK)
		{
			for (int i = 0; i < list_length(keyapi_output_columns(query)); i++)
				keyapi_restrict(context->restrictions, outputs[i]);
		}
		return read_sublinks(sublink->testexpr, context);
	}
	return expression_tree_walker(node, read_sublinks, context);
}

/*
 * The columns of a set operation are those of its arms, which are all that its
 * range table holds.
 */
static uint32 *
outputs_of_set_operation(CteContext *context, Query *query)
{
	int			n = list_length(keyapi_output_columns(query));
	uint32	   *outputs = palloc0(sizeof(uint32) * (n + 1));
	ListCell   *lc;

	foreach(lc, context->exposure.columns)
	{
		const KeyapiExposedColumn *column = lfirst(lc);

		if (column->attnum <= n)
			outputs[column->attnum - 1] |= column->params;
	}
	return outputs;
}

/*
 * Add what a query restricts, and return what its outputs show.
 */
static uint32 *
read_query(CteContext *context, Query *query)
{
	int			scope = list_length(context->ctes);
	uint32	   *outputs;

	read_ctes(context, query);
	read_range_table(context, query);
	read_join_tree(context, (Node *) query->jointree, &no_demands);
	add_filter(context, simplified(context, query->havingQual), NULL);
	query_tree_walker(query, read_sublinks, context,
					  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES |
					  QTW_IGNORE_JOINALIASES);
	outputs = query->setOperations != NULL ?
		outputs_of_set_operation(context, query) :
		keyapi_exposed_outputs(query, &context->exposure);
	context->ctes = list_truncate(context->ctes, scope);
	return outputs;
}

uint32 *
keyapi_add_cte_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
							CommonTableExpr *cte, const uint32 *outputs)
{
	ShownCte	shown = {
		.name = cte->ctename,
		.depth = 0,
		.outputs = outputs,
		.noutputs = list_length(keyapi_output_columns((Query *) cte->ctequery)),
	};
	CteContext	context = {
		.root = root,
		.restrictions = restrictions,
		.ctes = list_make1(&shown),
	};

	return read_query(&context, root->parse);
}
