/*-------------------------------------------------------------------------
 *
 * restriction_block.c
 *	  Restrictions within one query block: clauses, joins, equivalence classes.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction_block.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/restrictinfo.h"

/* ---------------------------------------------------------------------
 * Clauses
 * ---------------------------------------------------------------------
 */

static bool
has_external_params(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		return true;
	return expression_tree_walker(node, has_external_params, context);
}

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
			/* NOT EXISTS: what is inside restricts nothing */
			return ((BoolExpr *) node)->boolop == NOT_EXPR &&
				is_opaque(linitial(((BoolExpr *) node)->args));
		default:
			return false;
	}
}

/*
 * Reduce a clause to what the executor needs: external parameters, and marks
 * where it restricts parameters of the scan.
 */
static Node *
mark_mutator(Node *node, void *arg)
{
	KeyapiExposure *exposure = arg;

	if (node == NULL)
		return NULL;
	if (is_opaque(node))
		return (Node *) keyapi_mark_var(keyapi_params_in(node,
														 keyapi_exposed_var_params,
														 exposure),
										node);
	return expression_tree_mutator(node, mark_mutator, exposure);
}

void
keyapi_add_restriction(KeyapiRestrictions *restrictions, Node *clause,
					   KeyapiExposure *exposure)
{
	uint32		params = keyapi_params_in(clause, keyapi_exposed_var_params,
										  exposure);

	if (params == 0)
		return;
	if (has_external_params(clause, NULL))
		restrictions->clauses = lappend(restrictions->clauses,
										mark_mutator(clause, exposure));
	else
		restrictions->certain |= params;
}

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

/*
 * A child of an append relation does not get all clauses of its parent: not
 * those above an outer join that may null the parent.
 */
void
keyapi_add_join_restrictions(KeyapiRestrictions *restrictions,
							 PlannerInfo *root, RelOptInfo *rel,
							 KeyapiExposure *exposure)
{
	add_joininfo(restrictions, rel, exposure);
	while (rel != NULL && IS_OTHER_REL(rel))
	{
		AppendRelInfo *appinfo = root->append_rel_array[rel->relid];

		rel = root->simple_rel_array[appinfo->parent_relid];
		if (rel != NULL)
			add_joininfo(restrictions, rel, exposure);
	}
}

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
	restrictions->certain |= params;
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
