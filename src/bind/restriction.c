/*-------------------------------------------------------------------------
 *
 * restriction.c
 *	  Mentions by joins: clauses and equivalence classes of one query block.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/restrictinfo.h"

#include "bind/plan_private.h"

/* ---------------------------------------------------------------------
 * Exposure
 * ---------------------------------------------------------------------
 */

void
keyapi_expose(KeyapiExposure *exposure, Index varno, AttrNumber attnum,
			  uint32 params)
{
	KeyapiExposedColumn *column;

	if (params == 0)
		return;
	column = palloc(sizeof(KeyapiExposedColumn));
	column->varno = varno;
	column->attnum = attnum;
	column->params = params;
	exposure->columns = lappend(exposure->columns, column);
}

/*
 * A whole-row Var shows all that the relation shows.
 */
uint32
keyapi_exposed_var_params(Var *var, void *arg)
{
	const KeyapiExposure *exposure = arg;
	uint32		params = 0;
	ListCell   *lc;

	if (exposure->only != NULL && !bms_is_member(var->varno, exposure->only))
		return 0;
	foreach(lc, exposure->columns)
	{
		const KeyapiExposedColumn *column = lfirst(lc);

		if (column->varno == var->varno &&
			(column->attnum == var->varattno || var->varattno == 0))
			params |= column->params;
	}
	return params;
}

void
keyapi_expose_parents(KeyapiExposure *exposure, PlannerInfo *root)
{
	ListCell   *lc;

	if (root->append_rel_array == NULL)
		return;
	/* the list grows as it is read, up to the topmost parents */
	foreach(lc, exposure->columns)
	{
		const KeyapiExposedColumn *column = lfirst(lc);
		AppendRelInfo *appinfo = root->append_rel_array[column->varno];
		KeyapiExposure this_column = {list_make1((void *) column)};
		ListCell   *lv;

		if (appinfo == NULL)
			continue;
		foreach(lv, appinfo->translated_vars)
			keyapi_expose(exposure, appinfo->parent_relid,
						  foreach_current_index(lv) + 1,
						  keyapi_params_in(lfirst(lv), keyapi_exposed_var_params,
										   &this_column));
	}
}

KeyapiExposure
keyapi_scan_exposure(const KeyapiScanColumns *columns, PlannerInfo *root)
{
	KeyapiExposure exposure = {NIL, NULL};

	for (int i = 0; i < columns->endpoint->nparams; i++)
	{
		if (columns->params[i] != 0)
			keyapi_expose(&exposure, columns->varno, columns->params[i],
						  KEYAPI_PARAM_BIT(i));
	}
	keyapi_expose_parents(&exposure, root);
	return exposure;
}

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
 * Nodes that have no business in a plan's private data: what they mention is all
 * that counts.
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
			/* NOT EXISTS: what is inside would be taken for a mention */
			return ((BoolExpr *) node)->boolop == NOT_EXPR &&
				is_opaque(linitial(((BoolExpr *) node)->args));
		default:
			return false;
	}
}

/*
 * Reduce a clause to what the executor needs: external parameters, and marks
 * where parameters of the scan are mentioned.
 */
static Node *
mark_mutator(Node *node, KeyapiExposure *exposure)
{
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
static void
add_join_clauses(KeyapiRestrictions *restrictions, PlannerInfo *root, RelOptInfo *rel,
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

/*
 * What an equivalence class says of the relation: the exposed parameters that it
 * equates with something of another relation.
 */
static uint32
class_params(EquivalenceClass *class, RelOptInfo *rel,
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
			params |= class_params(class, rel, exposure);
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
	add_join_clauses(restrictions, root, rel, exposure);
	add_classes(restrictions, root, rel, exposure, except);
}

/* ---------------------------------------------------------------------
 * All of them
 * ---------------------------------------------------------------------
 */

void
keyapi_find_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
						 RelOptInfo *rel, const KeyapiScanColumns *columns)
{
	KeyapiExposure exposure = keyapi_scan_exposure(columns, root);
	ListCell   *lc;

	memset(restrictions, 0, sizeof(*restrictions));
	add_join_clauses(restrictions, root, rel, &exposure);
	foreach(lc, root->eq_classes)
	{
		EquivalenceClass *class = lfirst(lc);
		uint32		params = class_params(class, rel, &exposure);

		if (params == 0 || keyapi_add_peers(restrictions, root, class, rel))
			continue;
		restrictions->certain |= params;
		restrictions->joined |= params;
	}
	keyapi_add_outside_restrictions(restrictions, root, &exposure);
}

uint32
keyapi_restricted_params(const KeyapiRestrictions *restrictions, List *clauses,
						 const KeyapiScanColumns *columns)
{
	return restrictions->certain |
		keyapi_params_in((Node *) clauses, keyapi_scan_var_params,
						 (void *) columns) |
		keyapi_params_in((Node *) restrictions->clauses, keyapi_mark_var_params,
						 NULL);
}
