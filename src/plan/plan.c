/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  Planner callbacks: sizes, paths and plans.
 *
 *-------------------------------------------------------------------------
 */
#include "plan/plan.h"

#include "access/sysattr.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

#include "bind/plan_private.h"
#include "plan/estimate.h"
#include "plan/outer_rels.h"
#include "plan/pathkeys.h"

/*
 * Price of a path that raises an error when it runs: above any other, even those
 * that enable_nestloop and the like discourage.
 */
#define ERROR_PATH_COST 1e100
#define ERROR_PATH_DISABLED_NODES 1000000

/* ---------------------------------------------------------------------
 * Size
 * ---------------------------------------------------------------------
 */

void
keyapiGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
						Oid foreigntableid)
{
	KeyapiRelPlan *plan = keyapi_plan_rel(root, baserel, foreigntableid);
	const KeyapiEstimate *estimate;

	baserel->fdw_private = plan;
	estimate = keyapi_estimate(root, baserel, NULL);
	baserel->tuples = Max(estimate->lists * plan->rows_per_list, 1.0);
	set_baserel_size_estimates(root, baserel);
	baserel->rows = estimate->rows;
}

/* ---------------------------------------------------------------------
 * Paths
 * ---------------------------------------------------------------------
 */

/*
 * Whether the clauses of a path bind every parameter that has no domain
 * or, without a restriction, a default.
 */
static bool
binds_everything(RelOptInfo *rel, ParamPathInfo *param_info)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	const KeyapiTableOptions *options = plan->table->options;
	const KeyapiClauses *clauses = keyapi_scan_clauses(rel, param_info);

	for (int i = 0; i < options->endpoint->nparams; i++)
	{
		const KeyapiSource *source = clauses->sources.params[i];

		if ((clauses->restricted & KEYAPI_PARAM_BIT(i)) == 0)
		{
			if (options->params[i].kind == KEYAPI_DEFAULT_NONE ||
				(plan->restrictions.conflicts & KEYAPI_PARAM_BIT(i)) != 0)
				return false;
			continue;
		}
		if (options->params[i].domain != NULL)
			continue;

		/*
		 * A clause that may vanish is all right if nothing else restricts the
		 * parameter then.
		 */
		if (source->kind == KEYAPI_SOURCE_OPEN ||
			(source->may_vanish &&
			 (plan->restrictions.joined & KEYAPI_PARAM_BIT(i)) != 0))
			return false;
	}
	return true;
}

static void
add_error_path(PlannerInfo *root, RelOptInfo *rel)
{
	add_path(rel, (Path *)
			 keyapi_create_path(root, rel, rel->rows, ERROR_PATH_DISABLED_NODES,
								ERROR_PATH_COST, ERROR_PATH_COST, NIL,
								rel->lateral_relids));
}

/*
 * The paths that need no other relation, except what LATERAL demands.
 */
static void
add_base_paths(PlannerInfo *root, RelOptInfo *rel, ParamPathInfo *param_info)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	const KeyapiEstimate *estimate = keyapi_estimate(root, rel, param_info);
	KeyapiOrder order;
	int			nkeys = keyapi_order_for_pathkeys(&order, root, rel, plan->table,
												  &estimate->preview,
												  root->query_pathkeys);

	if (nkeys > 0)
	{
		Cost		startup_cost = estimate->startup_cost;

		/* rows in rounds need the first page of each list */
		if (order.rank_major)
			startup_cost += keyapi_requests_cost(Min(estimate->lists,
													 estimate->requests)) -
				keyapi_requests_cost(Min(estimate->requests, 1.0));
		add_path(rel, (Path *)
				 keyapi_create_path(root, rel, estimate->rows, 0,
									startup_cost, estimate->total_cost,
									list_copy_head(root->query_pathkeys, nkeys),
									rel->lateral_relids));
	}
	add_path(rel, (Path *)
			 keyapi_create_path(root, rel, estimate->rows, 0,
								estimate->startup_cost, estimate->total_cost, NIL,
								rel->lateral_relids));
}

/*
 * A path that gets values from these relations, if that binds everything.
 */
static void
add_parameterized_path(PlannerInfo *root, RelOptInfo *rel, Relids outer)
{
	ParamPathInfo *param_info = get_baserel_parampathinfo(root, rel, outer);
	const KeyapiEstimate *estimate;

	if (!binds_everything(rel, param_info))
		return;
	estimate = keyapi_estimate(root, rel, param_info);
	param_info->ppi_rows = estimate->rows;
	add_path(rel, (Path *)
			 keyapi_create_path(root, rel, estimate->rows, 0,
								estimate->startup_cost, estimate->total_cost, NIL,
								outer));
}

void
keyapiGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
					  Oid foreigntableid)
{
	ParamPathInfo *param_info = get_baserel_parampathinfo(root, baserel,
														  baserel->lateral_relids);
	ListCell   *lc;

	if (binds_everything(baserel, param_info))
		add_base_paths(root, baserel, param_info);
	else
		add_error_path(root, baserel);

	foreach(lc, keyapi_outer_sets(root, baserel))
		add_parameterized_path(root, baserel, lfirst(lc));
}

/* ---------------------------------------------------------------------
 * Plan
 * ---------------------------------------------------------------------
 */

/*
 * Whether a clause keeps all rows of a list, or consecutive ones.
 */
static bool
keeps_rows_together(const KeyapiClause *clause)
{
	const KeyapiSource *ranks = clause->sources.ranks;

	if (clause->use.data || !clause->use.evaluable)
		return false;
	if (!clause->use.rank)
		return true;
	return ranks->kind == KEYAPI_SOURCE_VALUE && !ranks->of_page;
}

/*
 * Whether a part of a LIMIT is no estimate: a prepared statement may run with
 * another value than the one that a function or a parameter had when it was planned.
 */
static bool
is_known(const Node *limit)
{
	return limit == NULL || IsA(limit, Const);
}

static bool
limits_to_nothing(const Node *limit)
{
	const Const *value = castNode(Const, unconstify(Node *, limit));

	return !value->constisnull && DatumGetInt64(value->constvalue) == 0;
}

/*
 * The number of rows after which a LIMIT ends the scan, or -1.  It is only known
 * if every row of the scan is a row of the result, in its order.
 */
static int64
max_rows(PlannerInfo *root, RelOptInfo *rel, Path *path,
		 const KeyapiClauses *clauses)
{
	Query	   *parse = root->parse;

	if (root->limit_tuples < 0 || root->limit_tuples > PG_INT32_MAX ||
		parse->limitOption == LIMIT_OPTION_WITH_TIES ||
		!is_known(parse->limitCount) || !is_known(parse->limitOffset) ||
		!bms_equal(root->all_baserels, rel->relids) ||
		parse->hasTargetSRFs || parse->setOperations != NULL ||
		!pathkeys_contained_in(root->sort_pathkeys, path->pathkeys))
		return -1;
	for (int i = 0; i < clauses->nitems; i++)
	{
		if (!keeps_rows_together(&clauses->items[i]))
			return -1;
	}
	/* of LIMIT 0 the planner expects a row */
	return limits_to_nothing(parse->limitCount) ? 0 : (int64) root->limit_tuples;
}

/*
 * The parameters that partition bounds restrict, and no other clause of a scan.
 */
static uint32
bounded_params(const KeyapiRelPlan *plan, List *scan_clauses)
{
	void	   *table = unconstify(KeyapiScanTable *, plan->table);

	return keyapi_params_in((Node *) plan->bounds, keyapi_scan_var_params, table) &
		~keyapi_params_in((Node *) scan_clauses, keyapi_scan_var_params, table);
}

static Bitmapset *
needed_columns(RelOptInfo *rel, List *clauses)
{
	Bitmapset  *columns = NULL;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &columns);
	pull_varattnos((Node *) clauses, rel->relid, &columns);
	return columns;
}

ForeignScan *
keyapiGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
					 Oid foreigntableid, ForeignPath *best_path,
					 List *tlist, List *scan_clauses, Plan *outer_plan)
{
	KeyapiRelPlan *plan = baserel->fdw_private;
	Path	   *path = &best_path->path;
	List	   *own = extract_actual_clauses(scan_clauses, false);
	List	   *clauses = list_concat_copy(plan->bounds, own);
	KeyapiPlanPrivate private = {
		.restrictions = plan->restrictions,
		.max_rows = max_rows(root, baserel, path,
							 keyapi_scan_clauses(baserel, path->param_info)),
		.columns = needed_columns(baserel, clauses),
	};

	private.restrictions.bounded = bounded_params(plan, own);
	if (path->pathkeys != NIL)
	{
		const KeyapiEstimate *estimate = keyapi_estimate(root, baserel,
														 path->param_info);

		(void) keyapi_order_for_pathkeys(&private.order, root, baserel,
										 plan->table, &estimate->preview,
										 path->pathkeys);
	}
	return make_foreignscan(tlist, clauses, baserel->relid, NIL,
							keyapi_plan_private_pack(&private), NIL, NIL, outer_plan);
}
