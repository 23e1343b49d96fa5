/*-------------------------------------------------------------------------
 *
 * restriction_peers.c
 *	  Parameters of foreign tables that are only compared with each other.
 *
 * "a.region = b.region" by itself does not say which regions: each table has its
 * default, which must be the same.  As soon as something else restricts one of
 * them, it restricts all.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction_peers.h"

#include "access/table.h"
#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "port/pg_bitutils.h"

#include "bind/exposure.h"
#include "bind/restriction_block.h"
#include "bind/restriction_outside.h"
#include "options/option.h"

/* A member of a class that is a parameter's column. */
typedef struct ParamMember
{
	RelOptInfo *rel;
	KeyapiScanTable *table;
	int			param;
} ParamMember;

/*
 * Whether a member of a class is a parameter's column of a foreign table of this
 * extension, as the relation "ours" is.
 */
static bool
find_param_member(ParamMember *result, PlannerInfo *root,
				  EquivalenceMember *member, RelOptInfo *ours)
{
	Node	   *expr = (Node *) member->em_expr;
	RangeTblEntry *rte;
	Relation	relation;
	uint32		params;

	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	if (!IsA(expr, Var))
		return false;
	result->rel = root->simple_rel_array[((Var *) expr)->varno];
	if (result->rel == NULL || result->rel->reloptkind != RELOPT_BASEREL ||
		result->rel->fdwroutine == NULL ||
		result->rel->fdwroutine->GetForeignRelSize !=
		ours->fdwroutine->GetForeignRelSize)
		return false;

	rte = planner_rt_fetch(result->rel->relid, root);
	relation = table_open(rte->relid, NoLock);
	result->table = keyapi_scan_table(relation, result->rel->relid,
									  keyapi_table_options(rte->relid));
	table_close(relation, NoLock);
	params = keyapi_scan_var_params((Var *) expr, result->table);
	if ((params & KEYAPI_DATA_BIT) != 0)
		return false;
	result->param = pg_rightmost_one_pos32(params);
	return true;
}

/*
 * All members of a class, as ParamMember, if each is a parameter's column of a
 * foreign table of this extension; otherwise NIL.
 */
static List *
param_members(PlannerInfo *root, EquivalenceClass *class, RelOptInfo *ours)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, class->ec_members)
	{
		ParamMember *member = palloc0(sizeof(ParamMember));

		if (((EquivalenceMember *) lfirst(lc))->em_is_child)
			continue;
		if (!find_param_member(member, root, lfirst(lc), ours))
			return NIL;
		result = lappend(result, member);
	}
	return result;
}

static bool
same_default(const KeyapiParamOptions *a, const KeyapiParamOptions *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == KEYAPI_DEFAULT_VALUE)
		return strcmp(a->value, b->value) == 0;
	if (a->kind == KEYAPI_DEFAULT_NONE)
		return true;
	for (int i = 0;; i++)
	{
		if (a->domain[i] == NULL || b->domain[i] == NULL)
			return a->domain[i] == b->domain[i];
		if (strcmp(a->domain[i], b->domain[i]) != 0)
			return false;
	}
}

/*
 * Turn the marks of one parameter into those of another, and drop the rest.
 */
typedef struct RemarkContext
{
	int			from;
	int			to;
} RemarkContext;

static Node *
remark_mutator(Node *node, void *arg)
{
	RemarkContext *context = arg;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		uint32		params = keyapi_mark_var_params((Var *) node, NULL);

		uint32		result = params & KEYAPI_DATA_BIT;

		if ((params & KEYAPI_PARAM_BIT(context->from)) != 0)
			result |= KEYAPI_PARAM_BIT(context->to);
		return (Node *) keyapi_mark_var(result, node);
	}
	return expression_tree_mutator(node, remark_mutator, context);
}

/*
 * Add what restricts another member of the class: it restricts our parameter,
 * too.
 */
static void
add_member_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
						EquivalenceClass *class, ParamMember *member, int param)
{
	KeyapiExposure exposure = keyapi_scan_exposure(member->table, root);
	KeyapiRestrictions found = {0};
	RemarkContext remark = {member->param, param};
	Relation	relation;
	ListCell   *lc;

	relation = table_open(planner_rt_fetch(member->rel->relid, root)->relid,
						  NoLock);
	keyapi_add_restriction(&found,
						   (Node *) keyapi_partition_bounds(relation,
															member->rel->relid),
						   &exposure);
	table_close(relation, NoLock);
	keyapi_add_rel_restrictions(&found, root, member->rel, &exposure, class);
	keyapi_add_outside_restrictions(&found, root, &exposure);

	if ((found.certain & KEYAPI_PARAM_BIT(member->param)) != 0)
	{
		keyapi_restrict(restrictions, KEYAPI_PARAM_BIT(param));
		restrictions->joined |= KEYAPI_PARAM_BIT(param);
	}
	foreach(lc, found.clauses)
	{
		Node	   *clause = remark_mutator(lfirst(lc), &remark);

		if (keyapi_params_in(clause, keyapi_mark_var_params, NULL) != 0)
			keyapi_restrict_by(restrictions, clause, KEYAPI_PARAM_BIT(param));
	}
}

bool
keyapi_add_peers(KeyapiRestrictions *restrictions, PlannerInfo *root,
				 EquivalenceClass *class, RelOptInfo *rel)
{
	List	   *members = IS_OTHER_REL(rel) ? NIL :
	param_members(root, class, rel);
	ParamMember *own = NULL;
	ListCell   *lc;

	foreach(lc, members)
	{
		if (((ParamMember *) lfirst(lc))->rel == rel)
			own = lfirst(lc);
	}
	if (own == NULL)
		return false;
	foreach(lc, members)
	{
		ParamMember *member = lfirst(lc);

		if (member->rel != rel)
			add_member_restrictions(restrictions, root, class, member, own->param);
		if (!same_default(&own->table->options->params[own->param],
						  &member->table->options->params[member->param]))
			restrictions->conflicts |= KEYAPI_PARAM_BIT(own->param);
	}
	return true;
}
