/*-------------------------------------------------------------------------
 *
 * restriction_outside.c
 *	  What the query blocks around a scan's own restrict.
 *
 * A filter on an output column of a subquery is a filter on the parameter that
 * the column shows.  Often the planner pushes it down to the scan.  Where it
 * does not (CTEs, LIMIT, aggregates, security barriers), the scan must not fall
 * back to a default that the filter then contradicts.
 *
 * The planner does not say which part of its parent a block is: we tell it from
 * how far the planning of the parent has come.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction_outside.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "bind/restriction_block.h"
#include "bind/restriction_cte.h"

/* What a query block is to the one around it. */
typedef enum BlockRole
{
	BLOCK_FROM,					/* a subquery in FROM */
	BLOCK_SET_OPERATION,		/* an arm of UNION, INTERSECT or EXCEPT */
	BLOCK_CTE,
	BLOCK_SUBLINK,				/* in an expression; its outputs are compared */
	BLOCK_OPAQUE_SUBLINK,		/* ditto, but not compared with a set */
	BLOCK_MINMAX,				/* a copy of the parent itself, made for an
								 * index-like MIN or MAX */
	BLOCK_UNKNOWN
} BlockRole;

/* ---------------------------------------------------------------------
 * Subqueries in FROM
 * ---------------------------------------------------------------------
 */

/*
 * The subquery that the planner is working on, among a relation and the children
 * of its append relation: the first in its order of work that is not finished.
 */
static RelOptInfo *
unfinished_subquery(PlannerInfo *parent, Index varno)
{
	RelOptInfo *rel = parent->simple_rel_array[varno];
	RangeTblEntry *rte = planner_rt_fetch(varno, parent);
	ListCell   *lc;

	if (rel == NULL || rel->pathlist != NIL)
		return NULL;
	if (rte->rtekind == RTE_SUBQUERY && !rte->inh)
		return rel->subroot == NULL ? rel : NULL;
	if (!rte->inh)
		return NULL;
	foreach(lc, parent->append_rel_list)
	{
		AppendRelInfo *appinfo = lfirst(lc);
		RelOptInfo *child;

		if (appinfo->parent_relid != varno)
			continue;
		child = unfinished_subquery(parent, appinfo->child_relid);
		if (child != NULL)
			return child;
	}
	return NULL;
}

static RelOptInfo *
find_subquery_in_from(PlannerInfo *parent)
{
	for (Index varno = 1; varno < parent->simple_rel_array_size; varno++)
	{
		RelOptInfo *rel = parent->simple_rel_array[varno];

		if (rel == NULL || rel->reloptkind != RELOPT_BASEREL)
			continue;
		rel = unfinished_subquery(parent, varno);
		if (rel != NULL)
			return rel;
	}
	return NULL;
}

/* ---------------------------------------------------------------------
 * Sublinks
 * ---------------------------------------------------------------------
 */

/*
 * Whether the planner may have made the query from the original: it keeps the
 * range table that it was given and only adds to it.
 */
static bool
may_stem_from(const Query *query, const Query *original)
{
	ListCell   *lc;
	ListCell   *lo;

	if (list_length(query->rtable) < list_length(original->rtable))
		return false;
	forboth(lc, query->rtable, lo, original->rtable)
	{
		const RangeTblEntry *a = lfirst(lc);
		const RangeTblEntry *b = lfirst(lo);

		if (strcmp(a->eref->aliasname, b->eref->aliasname) != 0 ||
			(b->rtekind == RTE_RELATION && a->relid != b->relid))
			return false;
	}
	return true;
}

typedef struct SublinkContext
{
	const Query *query;
	bool		found;			/* a sublink that it may be */
	bool		compared;		/* ... and whose outputs are compared */
} SublinkContext;

/*
 * EXISTS has no outputs, except where the planner tries it as a hashed IN.
 */
static bool
find_sublink(Node *node, void *arg)
{
	SublinkContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;

		if (may_stem_from(context->query, castNode(Query, sublink->subselect)))
		{
			context->found = true;
			context->compared |= sublink->subLinkType == ANY_SUBLINK ||
				sublink->subLinkType == ALL_SUBLINK ||
				sublink->subLinkType == EXISTS_SUBLINK;
		}
		return find_sublink(sublink->testexpr, context);
	}
	return expression_tree_walker(node, find_sublink, context);
}

static BlockRole
role_in_expression(PlannerInfo *root, PlannerInfo *parent)
{
	SublinkContext context = {root->parse};

	query_tree_walker(parent->parse, find_sublink, &context,
					  QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES |
					  QTW_IGNORE_JOINALIASES);
	find_sublink((Node *) parent->append_rel_list, &context);
	if (context.found)
		return context.compared ? BLOCK_SUBLINK : BLOCK_OPAQUE_SUBLINK;
	if (parent->parse->hasAggs && may_stem_from(root->parse, parent->parse))
		return BLOCK_MINMAX;
	return BLOCK_UNKNOWN;
}

/* ---------------------------------------------------------------------
 * From block to block
 * ---------------------------------------------------------------------
 */

static BlockRole
block_role(PlannerInfo *root)
{
	PlannerInfo *parent = root->parent_root;

	if (list_length(parent->cte_plan_ids) < list_length(parent->parse->cteList))
		return BLOCK_CTE;
	if (parent->simple_rel_array == NULL)
		return role_in_expression(root, parent);
	if (parent->parse->setOperations != NULL)
		return BLOCK_SET_OPERATION;
	return BLOCK_FROM;
}

/*
 * What keeps the planner from moving a condition into a query block, as far as
 * the block itself tells; KEYAPI_REASON_NONE if it does not.
 */
static KeyapiReason
barrier_of(const Query *query)
{
	if (query->limitCount != NULL || query->limitOffset != NULL)
		return KEYAPI_REASON_LIMIT;
	if (query->distinctClause != NIL)
		return KEYAPI_REASON_DISTINCT;
	if (query->hasWindowFuncs)
		return KEYAPI_REASON_WINDOW;
	if (query->hasAggs || query->groupClause != NIL ||
		query->groupingSets != NIL)
		return KEYAPI_REASON_AGGREGATE;
	if (query->setOperations != NULL)
		return KEYAPI_REASON_SET_OPERATION;
	return KEYAPI_REASON_NONE;
}

/*
 * ... as far as its role tells.
 */
static const KeyapiReason role_reasons[] = {
	[BLOCK_FROM] = KEYAPI_REASON_SUBQUERY,
	[BLOCK_SET_OPERATION] = KEYAPI_REASON_SET_OPERATION,
	[BLOCK_CTE] = KEYAPI_REASON_CTE,
	[BLOCK_SUBLINK] = KEYAPI_REASON_SUBLINK,
	[BLOCK_OPAQUE_SUBLINK] = KEYAPI_REASON_SUBLINK,
	[BLOCK_MINMAX] = KEYAPI_REASON_SUBQUERY,
	[BLOCK_UNKNOWN] = KEYAPI_REASON_SUBQUERY,
};

static uint32
all_outputs(const uint32 *outputs, Query *query)
{
	uint32		params = 0;

	for (int i = 0; i < list_length(keyapi_output_columns(query)); i++)
		params |= outputs[i];
	return params;
}

/*
 * Outputs of a set operation, by those of an arm: column by column.
 */
static uint32 *
outputs_of_set_operation(const uint32 *outputs, Query *arm, Query *query)
{
	uint32	   *result = palloc0(sizeof(uint32) *
								 (list_length(query->targetList) + 1));
	int			n = Min(list_length(arm->targetList),
						list_length(query->targetList));

	memcpy(result, outputs, sizeof(uint32) * n);
	return result;
}

/*
 * Step from a block to its parent: adds what the parent restricts, returns what
 * the parent's outputs show, or NULL if nothing is shown any further.
 */
static uint32 *
step_out(KeyapiRestrictions *restrictions, PlannerInfo *root, const uint32 *outputs)
{
	PlannerInfo *parent = root->parent_root;
	KeyapiExposure exposure = {NIL, NULL};
	BlockRole	role = block_role(root);
	RelOptInfo *rel;

	if (restrictions->reason == KEYAPI_REASON_NONE)
		restrictions->reason = role_reasons[role];
	switch (role)
	{
		case BLOCK_CTE:
			return keyapi_add_cte_restrictions(restrictions, parent,
											   list_nth(parent->parse->cteList,
														list_length(parent->cte_plan_ids)),
											   outputs);
		case BLOCK_SET_OPERATION:
			return outputs_of_set_operation(outputs, root->parse,
											parent->parse);
		case BLOCK_FROM:
			rel = find_subquery_in_from(parent);
			if (rel == NULL)
				break;
			keyapi_expose_outputs(&exposure, rel->relid, outputs,
								  list_length(keyapi_output_columns(root->parse)));
			keyapi_expose_parents(&exposure, parent);
			keyapi_add_rel_restrictions(restrictions, parent, rel, &exposure, NULL);
			keyapi_add_restriction(restrictions, parent->parse->havingQual, &exposure);
			return keyapi_exposed_outputs(parent->parse, &exposure);
		case BLOCK_OPAQUE_SUBLINK:
			return NULL;
		case BLOCK_SUBLINK:
		case BLOCK_MINMAX:
		case BLOCK_UNKNOWN:
			break;
	}
	keyapi_restrict(restrictions, all_outputs(outputs, root->parse));
	return NULL;
}

void
keyapi_add_outside_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
								KeyapiExposure *exposure)
{
	uint32	   *outputs;
	KeyapiReason barrier = KEYAPI_REASON_NONE;

	/* a copy made for MIN or MAX sees the parent's own relations */
	while (root->parent_root != NULL && block_role(root) == BLOCK_MINMAX)
		root = root->parent_root;

	restrictions->reason = KEYAPI_REASON_AGGREGATE;
	keyapi_add_restriction(restrictions, root->parse->havingQual, exposure);
	outputs = keyapi_exposed_outputs(root->parse, exposure);
	while (root->parent_root != NULL && outputs != NULL &&
		   all_outputs(outputs, root->parse) != 0)
	{
		/* the innermost is the one to move a condition into */
		if (barrier == KEYAPI_REASON_NONE)
			barrier = barrier_of(root->parse);
		restrictions->reason = barrier;
		outputs = step_out(restrictions, root, outputs);
		root = root->parent_root;
	}
}
