/*-------------------------------------------------------------------------
 *
 * restriction_block.c
 *	  Restrictions within one query block: clauses, joins, equivalence classes.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction_block.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/restrictinfo.h"

/* ---------------------------------------------------------------------
 * Clauses
 * ---------------------------------------------------------------------
 */

/*
 * Nodes that do not belong into a plan's private data: only the parameters that
 * they restrict count.
 */
static bool
is_opaque(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_PlaceHolderVar:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
		case T_SubLink:
		case T_SubPlan:
		case T_AlternativeSubPlan:
			return true;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		case T_BoolExpr:
			/* NOT EXISTS: what is inside may restrict nothing */
			return ((BoolExpr *) node)->boolop == NOT_EXPR &&
				is_opaque(linitial(((BoolExpr *) node)->args));
		default:
			return false;
	}
}

/* How to mark what a clause restricts. */
typedef struct MarkContext
{
	KeyapiExposure *exposure;
	uint32		bits;			/* that marks may have */
} MarkContext;

#define PARAM_BITS (KEYAPI_DATA_BIT - 1)

/*
 * Reduce a clause to what the executor needs: external parameters, and marks
 * where it restricts parameters of the scan.
 */
static Node *
mark_mutator(Node *node, void *arg)
{
	MarkContext *context = arg;

	if (node == NULL)
		return NULL;
	if (is_opaque(node))
		return (Node *) keyapi_mark_var(context->bits &
										keyapi_params_and_data_in(node,
																  keyapi_exposed_var_params,
																  context->exposure),
										node);
	return expression_tree_mutator(node, mark_mutator, context);
}

void
keyapi_add_restriction(KeyapiRestrictions *restrictions, Node *clause,
					   KeyapiExposure *exposure)
{
	MarkContext context = {exposure, PARAM_BITS};
	uint32		params = keyapi_params_in(clause, keyapi_exposed_var_params,
										  exposure);

	if (params == 0)
		return;
	if (keyapi_has_external_params(clause))
		keyapi_restrict_by(restrictions, mark_mutator(clause, &context), params);
	else
		keyapi_restrict(restrictions, params);
}

/* ---------------------------------------------------------------------
 * Joins
 * ---------------------------------------------------------------------
 */

/*
 * Join clauses that filter the relation: not those of an outer join that
 * preserves it, whatever the other side of the clause is.
 */
static void
add_joininfo(KeyapiRestrictions *restrictions, RelOptInfo *rel,
			 KeyapiExposure *exposure)
{
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (bms_overlap(rinfo->outer_relids, rel->relids) ||
			keyapi_is_clone(rinfo))
			continue;
		restrictions->joined |= keyapi_params_in((Node *) rinfo->clause,
												 keyapi_exposed_var_params, exposure);
		keyapi_add_restriction(restrictions, (Node *) rinfo->clause, exposure);
	}
}

Bitmapset *
keyapi_rels_below(Node *node)
{
	Bitmapset  *rels = NULL;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (IsA(node, RangeTblRef))
		return bms_make_singleton(((RangeTblRef *) node)->rtindex);
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		rels = bms_union(keyapi_rels_below(join->larg),
						 keyapi_rels_below(join->rarg));
		/* a semijoin of the planner's has no number */
		return join->rtindex == 0 ? rels : bms_add_member(rels, join->rtindex);
	}
	foreach(lc, castNode(FromExpr, node)->fromlist)
		rels = bms_union(rels, keyapi_rels_below(lfirst(lc)));
	return rels;
}

/*
 * What an anti join keeps of a relation is what does not satisfy its condition.
 */
static void
add_anti_join_of(KeyapiRestrictions *restrictions, List *quals,
				 KeyapiExposure *exposure)
{
	MarkContext context = {exposure, PARAM_BITS | KEYAPI_DATA_BIT};
	uint32		params = keyapi_params_and_data_in((Node *) quals,
												   keyapi_exposed_var_params,
												   exposure);
	Expr	   *clause;

	if ((params & PARAM_BITS) == 0)
		return;
	if (keyapi_has_external_params((Node *) quals))
	{
		/* external parameters may remove what compares data */
		clause = (Expr *) mark_mutator((Node *) make_ands_explicit(quals), &context);
		keyapi_restrict_by(restrictions, (Node *) make_notclause(clause), params);
		restrictions->joined |= params & PARAM_BITS;
	}
	else if ((params & KEYAPI_DATA_BIT) == 0)
	{
		keyapi_restrict(restrictions, params);
		restrictions->joined |= params;
	}
}

void
keyapi_add_anti_join(KeyapiRestrictions *restrictions, List *quals,
					 const Bitmapset *left, KeyapiExposure *exposure)
{
	KeyapiReason reason = restrictions->reason;
	int			varno = -1;

	if (reason == KEYAPI_REASON_JOIN)
		restrictions->reason = KEYAPI_REASON_ANTI_JOIN;
	while ((varno = bms_next_member(left, varno)) >= 0)
	{
		exposure->only = bms_make_singleton(varno);
		add_anti_join_of(restrictions, quals, exposure);
	}
	exposure->only = NULL;
	restrictions->reason = reason;
}

/*
 * Anti joins, as the planner has made them of NOT EXISTS, of outer joins whose
 * other side must be NULL, and from PostgreSQL 19 on of NOT IN.  The clauses that
 * it has distributed to relations do not tell: some may be gone because of what
 * other clauses say.
 */
static void
add_anti_joins(KeyapiRestrictions *restrictions, Node *node,
			   KeyapiExposure *exposure)
{
	ListCell   *lc;

	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		if (join->jointype == JOIN_ANTI)
			keyapi_add_anti_join(restrictions, (List *) join->quals,
								 keyapi_rels_below(join->larg), exposure);
		add_anti_joins(restrictions, join->larg, exposure);
		add_anti_joins(restrictions, join->rarg, exposure);
	}
	else if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			add_anti_joins(restrictions, lfirst(lc), exposure);
	}
}

/*
 * A child of an append relation does not get all clauses of its parent: not
 * those above an outer join that may null the parent.
 */
void
keyapi_add_join_restrictions(KeyapiRestrictions *restrictions,
							 PlannerInfo *root, RelOptInfo *rel,
							 KeyapiExposure *exposure)
{
	add_anti_joins(restrictions, (Node *) root->parse->jointree, exposure);
	add_joininfo(restrictions, rel, exposure);
	while (rel != NULL && IS_OTHER_REL(rel))
	{
		AppendRelInfo *appinfo = root->append_rel_array[rel->relid];

		rel = root->simple_rel_array[appinfo->parent_relid];
		if (rel != NULL)
			add_joininfo(restrictions, rel, exposure);
	}
}

/* ---------------------------------------------------------------------
 * A relation's own clauses
 * ---------------------------------------------------------------------
 */

static void
add_own_clauses(KeyapiRestrictions *restrictions, RelOptInfo *rel,
				KeyapiExposure *exposure)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
		keyapi_add_restriction(restrictions,
							   (Node *) lfirst_node(RestrictInfo, lc)->clause,
							   exposure);
}

/* ---------------------------------------------------------------------
 * Equivalence classes
 * ---------------------------------------------------------------------
 */

uint32
keyapi_class_params(EquivalenceClass *class, RelOptInfo *rel,
					KeyapiExposure *exposure)
{
	Relids		own = IS_OTHER_REL(rel) ? rel->top_parent_relids : rel->relids;
	uint32		params = 0;
	bool		joins = false;
	ListCell   *lc;

	/* a constant has become a clause on each member */
	if (class->ec_has_const || class->ec_has_volatile)
		return 0;
	foreach(lc, class->ec_members)
	{
		EquivalenceMember *member = lfirst(lc);

		if (member->em_is_child)
			continue;
		if (bms_overlap(member->em_relids, own))
			params |= keyapi_params_in((Node *) member->em_expr,
									   keyapi_exposed_var_params, exposure);
		else
			joins = true;
	}
	return joins ? params : 0;
}

static void
add_classes(KeyapiRestrictions *restrictions, PlannerInfo *root, RelOptInfo *rel,
			KeyapiExposure *exposure, EquivalenceClass *except)
{
	uint32		params = 0;
	ListCell   *lc;

	foreach(lc, root->eq_classes)
	{
		EquivalenceClass *class = lfirst(lc);

		if (class != except)
			params |= keyapi_class_params(class, rel, exposure);
	}
	keyapi_restrict(restrictions, params);
	restrictions->joined |= params;
}

void
keyapi_add_rel_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
							RelOptInfo *rel, KeyapiExposure *exposure,
							EquivalenceClass *except)
{
	add_own_clauses(restrictions, rel, exposure);
	keyapi_add_join_restrictions(restrictions, root, rel, exposure);
	add_classes(restrictions, root, rel, exposure, except);
}
