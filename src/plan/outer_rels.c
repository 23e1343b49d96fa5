/*-------------------------------------------------------------------------
 *
 * outer_rels.c
 *	  Sets of outer relations for parameterised paths.
 *
 * One clause may bind one parameter and another clause the next.  A join between
 * them may keep the planner from combining their relations by itself, so we offer
 * all pairs and the union of all, too.
 *
 *-------------------------------------------------------------------------
 */
#include "plan/outer_rels.h"

#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "bind/clause.h"
#include "plan/estimate.h"

/* With more sources than this, their pairs are left out. */
#define MAX_PAIRED_SETS 8

static List *
add_set(List *sets, Relids set)
{
	ListCell   *lc;

	foreach(lc, sets)
	{
		if (bms_equal(lfirst(lc), set))
			return sets;
	}
	return lappend(sets, set);
}

/*
 * Add the other relations of a join clause that restricts a parameter and may be
 * evaluated in the scan.
 */
static List *
add_clause(List *sets, RelOptInfo *rel, RestrictInfo *rinfo)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	Relids		set;

	if (!join_clause_is_movable_to(rinfo, rel) ||
		keyapi_params_in((Node *) rinfo->clause, keyapi_scan_var_params,
						 (void *) plan->table) == 0)
		return sets;
	set = bms_union(rinfo->clause_relids, rel->lateral_relids);
	set = bms_del_member(set, rel->relid);
	return bms_is_empty(set) ? sets : add_set(sets, set);
}

/* For the search of members of equivalence classes. */
typedef struct MemberContext
{
	List	   *done;			/* expressions that were found before */
	Expr	   *current;
} MemberContext;

static bool
is_param_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *class,
				EquivalenceMember *member, void *arg)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	MemberContext *context = arg;

	if (context->current != NULL)
		return equal(member->em_expr, context->current);
	if (list_member(context->done, member->em_expr) ||
		keyapi_params_in((Node *) member->em_expr, keyapi_scan_var_params,
						 (void *) plan->table) == 0)
		return false;
	context->current = member->em_expr;
	return true;
}

/*
 * Each call finds the clauses for one expression, so call it until none is left.
 */
static List *
add_classes(List *sets, PlannerInfo *root, RelOptInfo *rel)
{
	MemberContext context = {NIL, NULL};

	for (;;)
	{
		List	   *clauses;
		ListCell   *lc;

		context.current = NULL;
		clauses = generate_implied_equalities_for_column(root, rel,
														 is_param_member,
														 &context,
														 rel->lateral_referencers);
		if (context.current == NULL)
			return sets;
		foreach(lc, clauses)
			sets = add_clause(sets, rel, lfirst(lc));
		context.done = lappend(context.done, context.current);
	}
}

List *
keyapi_outer_sets(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *sets = NIL;
	Relids		all = NULL;
	int			nsets;
	ListCell   *lc;

	foreach(lc, rel->joininfo)
		sets = add_clause(sets, rel, lfirst(lc));
	if (rel->has_eclass_joins)
		sets = add_classes(sets, root, rel);

	nsets = list_length(sets);
	for (int i = 0; i < nsets; i++)
	{
		all = bms_add_members(all, list_nth(sets, i));
		for (int j = 0; j < i && nsets <= MAX_PAIRED_SETS; j++)
			sets = add_set(sets, bms_union(list_nth(sets, i),
										   list_nth(sets, j)));
	}
	return nsets == 0 ? NIL : add_set(sets, all);
}
