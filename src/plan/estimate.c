/*-------------------------------------------------------------------------
 *
 * estimate.c
 *	  What the planner knows of a foreign table, and what scanning it costs.
 *
 *-------------------------------------------------------------------------
 */
#include "plan/estimate.h"

#include <math.h>

#include "access/table.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"

#include "bind/restriction.h"
#include "bind/virtual_row.h"

/*
 * Prices in the planner's units, of which a sequential page read (1.0) is some
 * 0.1 ms: the scan's first request takes more than a second, and a join should
 * look at its other side before it.  Further requests overlap with each other,
 * and are still worth saving.  Forty whole lists stay below jit_above_cost
 * (100,000), because evaluating expressions is not what takes time here.
 */
#define FIRST_REQUEST_COST 1000.0
#define NEXT_REQUEST_COST 100.0

/* Guess for the size of a set of values that the planner cannot see. */
#define UNKNOWN_SET_SIZE 4.0

/* ---------------------------------------------------------------------
 * Clauses
 * ---------------------------------------------------------------------
 */

/* What is known of a scan with the clauses of a parameterisation. */
typedef struct ScanInfo
{
	ParamPathInfo *param_info;	/* or NULL */
	List	   *rinfos;			/* the clauses other than partition bounds */
	KeyapiClauses *clauses;		/* bounds, then those of rinfos */
	KeyapiEstimate *estimate;	/* NULL: not made yet */
} ScanInfo;

/*
 * The relation's clauses that its scan evaluates: not the pseudoconstant ones,
 * which the planner puts above it.
 */
static List *
scan_restrictinfos(RelOptInfo *rel, ParamPathInfo *param_info)
{
	List	   *all = rel->baserestrictinfo;
	List	   *result = NIL;
	ListCell   *lc;

	if (param_info != NULL)
		all = list_concat_copy(all, param_info->ppi_clauses);
	foreach(lc, all)
	{
		if (!lfirst_node(RestrictInfo, lc)->pseudoconstant)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

static ScanInfo *
find_scan(RelOptInfo *rel, ParamPathInfo *param_info)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	ScanInfo   *scan;
	ListCell   *lc;

	foreach(lc, plan->scans)
	{
		scan = lfirst(lc);
		if (scan->param_info == param_info)
			return scan;
	}
	scan = palloc0(sizeof(ScanInfo));
	scan->param_info = param_info;
	scan->rinfos = scan_restrictinfos(rel, param_info);
	scan->clauses = keyapi_clauses(plan->table,
								   list_concat_copy(plan->bounds,
													get_actual_clauses(scan->rinfos)),
								   &plan->restrictions);
	plan->scans = lappend(plan->scans, scan);
	return scan;
}

const KeyapiClauses *
keyapi_scan_clauses(RelOptInfo *rel, ParamPathInfo *param_info)
{
	return find_scan(rel, param_info)->clauses;
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
 * The fraction of the rows read that pass the clauses on data.  Those on
 * parameters and ranks have chosen which rows are read.
 */
static Selectivity
data_selectivity(PlannerInfo *root, RelOptInfo *rel, const ScanInfo *scan)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	const KeyapiClause *clause = scan->clauses->items + list_length(plan->bounds);
	List	   *data_clauses = NIL;
	ListCell   *lc;

	foreach(lc, scan->rinfos)
	{
		if (clause->use.data || !clause->use.evaluable)
			data_clauses = lappend(data_clauses, lfirst(lc));
		clause++;
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

static void
make_estimate(KeyapiEstimate *estimate, PlannerInfo *root, RelOptInfo *rel,
			  const ScanInfo *scan)
{
	KeyapiRelPlan *plan = rel->fdw_private;
	const KeyapiTableOptions *options = plan->table->options;
	const KeyapiRange *ranks = &estimate->preview.ranks;
	double		rows_in_range;
	double		rows_read;
	QualCost	qual_cost;

	keyapi_preview(&estimate->preview, scan->clauses, plan->row);
	rows_in_range = Max(0.0, Min((double) ranks->hi, plan->rows_per_list) -
						(double) ranks->lo + 1);
	estimate->lists = estimate_lists(&estimate->preview,
									 options->endpoint->nparams);
	/* a rank beyond the end costs one request, which finds the end */
	estimate->requests = ranks->lo > ranks->hi ? 0 : estimate->lists *
		Max(1.0, ceil(rows_in_range / options->page_size));
	rows_read = estimate->lists * rows_in_range;
	estimate->rows =
		clamp_row_est(rows_read * data_selectivity(root, rel, scan));

	cost_qual_eval(&qual_cost, scan->clauses->exprs, root);
	estimate->startup_cost = qual_cost.startup +
		keyapi_requests_cost(Min(estimate->requests, 1.0));
	estimate->total_cost = qual_cost.startup +
		keyapi_requests_cost(estimate->requests) +
		rows_read * (cpu_tuple_cost + qual_cost.per_tuple);
}

const KeyapiEstimate *
keyapi_estimate(PlannerInfo *root, RelOptInfo *rel, ParamPathInfo *param_info)
{
	ScanInfo   *scan = find_scan(rel, param_info);

	if (scan->estimate == NULL)
	{
		KeyapiEstimate *estimate = palloc0(sizeof(KeyapiEstimate));

		make_estimate(estimate, root, rel, scan);
		scan->estimate = estimate;
	}
	return scan->estimate;
}

/* ---------------------------------------------------------------------
 * The relation as a whole
 * ---------------------------------------------------------------------
 */

/*
 * Rows of a list, as ANALYZE found them: it looks at the default lists.
 */
static double
rows_per_list(RelOptInfo *rel, const KeyapiRelPlan *plan)
{
	KeyapiPreview defaults;

	if (rel->tuples <= 0)
		return plan->table->endpoint->typical_rows;
	keyapi_preview(&defaults, keyapi_clauses(plan->table, plan->bounds, NULL),
				   plan->row);
	return rel->tuples / Max(defaults.max_lists, 1.0);
}

KeyapiRelPlan *
keyapi_plan_rel(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	KeyapiRelPlan *plan = palloc0(sizeof(KeyapiRelPlan));
	Relation	relation = table_open(relid, NoLock);

	plan->table = keyapi_scan_table(relation, rel->relid,
									keyapi_table_options(relid));
	plan->bounds = keyapi_partition_bounds(relation, rel->relid);
	table_close(relation, NoLock);
	plan->row = keyapi_virtual_row(plan->table, NULL);
	plan->rows_per_list = rows_per_list(rel, plan);
	keyapi_find_restrictions(&plan->restrictions, root, rel, plan->table);
	return plan;
}
