/*-------------------------------------------------------------------------
 *
 * estimate.c
 *	  Sizes and costs.
 *
 *-------------------------------------------------------------------------
 */
#include "plan/estimate.h"

#include <math.h>

#include "access/table.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/rel.h"

#include "plan/plan.h"

/*
 * Prices in the planner's units, of which a sequential page read (1.0) is some
 * 0.1 ms: the scan's first request takes more than a second, and a join should
 * look at its other side before it.  Further ones overlap with each other, and
 * are still worth sparing.  Forty whole lists stay below jit_above_cost
 * (100,000): what takes time here is not evaluating expressions.
 */
#define FIRST_REQUEST_COST 1000.0
#define NEXT_REQUEST_COST 100.0

/* Guess for a set of values that cannot be seen at plan time. */
#define UNKNOWN_SET_SIZE 4.0

List *
keyapi_path_clauses(const KeyapiRelPlan *plan, ParamPathInfo *param_info)
{
	if (param_info == NULL)
		return plan->base_clauses;
	return list_concat_copy(plan->base_clauses,
							extract_actual_clauses(param_info->ppi_clauses,
												   false));
}

/* ---------------------------------------------------------------------
 * Estimates
 * ---------------------------------------------------------------------
 */

static double
estimate_lists(const KeyapiPreview *preview, int nparams)
{
	double		lists = 1;

	if (preview->max_lists >= 0)
		return preview->max_lists;
	for (int i = 0; i < nparams; i++)
	{
		if (preview->single[i])
			continue;
		lists *= preview->known[i] ? preview->values[i].n : UNKNOWN_SET_SIZE;
	}
	return lists;
}

/*
 * The fraction of rows of the lists read that pass the clauses on data.  Those
 * on parameters and ranks have chosen what is read.
 */
static Selectivity
data_selectivity(PlannerInfo *root, RelOptInfo *rel, ParamPathInfo *param_info)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	List	   *clauses = rel->baserestrictinfo;
	List	   *data_clauses = NIL;
	ListCell   *lc;

	if (param_info != NULL)
		clauses = list_concat_copy(clauses, param_info->ppi_clauses);
	foreach(lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		KeyapiClauseUse use = keyapi_clause_use((Node *) rinfo->clause,
												&plan->columns);

		if (use.data || !use.evaluable)
			data_clauses = lappend(data_clauses, rinfo);
	}
	return clauselist_selectivity(root, data_clauses, rel->relid, JOIN_INNER,
								  NULL);
}

Cost
keyapi_requests_cost(double requests)
{
	if (requests <= 1.0)
		return Max(requests, 0.0) * FIRST_REQUEST_COST;
	return FIRST_REQUEST_COST + (requests - 1.0) * NEXT_REQUEST_COST;
}

void
keyapi_estimate(KeyapiEstimate *estimate, PlannerInfo *root, RelOptInfo *rel,
				ParamPathInfo *param_info)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	List	   *clauses = keyapi_path_clauses(plan, param_info);
	uint32		restricted = keyapi_restricted_params(&plan->restrictions, clauses,
													  &plan->columns);
	Relation	relation = table_open(planner_rt_fetch(rel->relid, root)->relid,
									  NoLock);
	const KeyapiRange *ranks = &estimate->preview.ranks;
	double		rows_in_range;
	double		rows_read;
	QualCost	qual_cost;

	keyapi_preview(&estimate->preview, relation, &plan->columns, plan->options,
				   clauses, restricted);
	table_close(relation, NoLock);

	rows_in_range = Max(0.0, Min((double) ranks->hi, plan->rows_per_list) -
						(double) ranks->lo + 1);
	estimate->lists = estimate_lists(&estimate->preview,
									 plan->options->endpoint->nparams);
	/* a rank beyond the end costs one request, which finds the end */
	estimate->requests = ranks->lo > ranks->hi ? 0 : estimate->lists *
		Max(1.0, ceil(rows_in_range / plan->options->page_size));
	rows_read = estimate->lists * rows_in_range;
	estimate->rows =
		clamp_row_est(rows_read * data_selectivity(root, rel, param_info));

	cost_qual_eval(&qual_cost, clauses, root);
	estimate->startup_cost = qual_cost.startup +
		keyapi_requests_cost(Min(estimate->requests, 1.0));
	estimate->total_cost = qual_cost.startup +
		keyapi_requests_cost(estimate->requests) +
		rows_read * (cpu_tuple_cost + qual_cost.per_tuple);
}

/* ---------------------------------------------------------------------
 * The relation as a whole
 * ---------------------------------------------------------------------
 */

/*
 * Rows of a list: as ANALYZE found them, which looks at the default lists.
 */
static double
rows_per_list(RelOptInfo *rel, Relation relation, const KeyapiRelPlan *plan)
{
	KeyapiPreview defaults;

	if (rel->tuples <= 0)
		return plan->options->endpoint->typical_rows;
	keyapi_preview(&defaults, relation, &plan->columns, plan->options,
				   plan->bounds,
				   keyapi_params_in((Node *) plan->bounds, keyapi_scan_var_params,
									(void *) &plan->columns));
	return rel->tuples / Max(defaults.max_lists, 1.0);
}

void
keyapiGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
						Oid foreigntableid)
{
	KeyapiRelPlan *plan = palloc0(sizeof(KeyapiRelPlan));
	Relation	relation = table_open(foreigntableid, NoLock);
	KeyapiEstimate estimate;

	baserel->fdw_private = plan;
	plan->options = keyapi_table_options(foreigntableid);
	keyapi_scan_columns(&plan->columns, relation, baserel->relid,
						plan->options->endpoint);
	plan->bounds = keyapi_partition_bounds(relation, baserel->relid);
	plan->base_clauses =
		list_concat_copy(plan->bounds,
						 extract_actual_clauses(baserel->baserestrictinfo, false));
	plan->rows_per_list = rows_per_list(baserel, relation, plan);
	table_close(relation, NoLock);
	keyapi_find_restrictions(&plan->restrictions, root, baserel, &plan->columns);

	keyapi_estimate(&estimate, root, baserel, NULL);
	baserel->tuples = Max(estimate.lists * plan->rows_per_list, 1.0);
	set_baserel_size_estimates(root, baserel);
	baserel->rows = estimate.rows;
}
