/*-------------------------------------------------------------------------
 *
 * binding.c
 *	  Run-time side of the binding.
 *
 * Everything is derived from the node's own qual, as it is after the external
 * parameters were folded into it, so that custom and generic plans read the same
 * lists.  Only what the qual cannot know comes from the planner: which other
 * clauses of the query restrict a parameter.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/binding.h"

#include "utils/rel.h"

#include "bind/clause.h"
#include "bind/combinations.h"
#include "bind/plan_private.h"
#include "bind/preview.h"
#include "bind/source_values.h"
#include "bind/virtual_row.h"

struct KeyapiBinding
{
	const KeyapiTableOptions *options;
	KeyapiScanColumns columns;
	KeyapiPlanPrivate plan_private;
	KeyapiVirtualRow *row;
	KeyapiCombinations *combinations;
	KeyapiSource *ranks;
	ExprState  *rank_filter;	/* clauses on rank and page, or NULL */
};

/*
 * The clauses on ranks and pages, perhaps together with parameters, that may be
 * tried on ranks that no list has: "100 / (rank - 46) > 0" is for real rows only.
 */
static ExprState *
init_rank_filter(KeyapiBinding *binding, List *clauses)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Node	   *clause = lfirst(lc);
		KeyapiClauseUse use = keyapi_clause_use(clause, &binding->columns);

		if (use.rank && !use.data && use.evaluable && keyapi_cannot_fail(clause))
			quals = lappend(quals, clause);
	}
	return quals == NIL ? NULL : keyapi_virtual_row_qual(binding->row, quals);
}

KeyapiBinding *
keyapi_binding_begin(ForeignScanState *node, const KeyapiTableOptions *options)
{
	KeyapiBinding *binding = palloc0(sizeof(KeyapiBinding));
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	Relation	rel = node->ss.ss_currentRelation;
	ParamListInfo params = node->ss.ps.state->es_param_list_info;
	List	   *clauses = keyapi_fold(plan->scan.plan.qual, params);
	uint32		restricted;

	binding->options = options;
	keyapi_plan_private_unpack(&binding->plan_private, plan->fdw_private);
	keyapi_scan_columns(&binding->columns, rel, plan->scan.scanrelid,
						options->endpoint);
	binding->row = keyapi_virtual_row(rel, &binding->columns, &node->ss.ps);

	binding->plan_private.restrictions.clauses =
		keyapi_fold(binding->plan_private.restrictions.clauses, params);
	restricted = keyapi_restricted_params(&binding->plan_private.restrictions, clauses,
										  &binding->columns);
	for (int i = 0; i < options->endpoint->nparams; i++)
	{
		if ((binding->plan_private.restrictions.conflicts & ~restricted & KEYAPI_PARAM_BIT(i)) != 0)
			keyapi_unbound_error(rel, &options->endpoint->params[i], true,
								 true);
	}
	binding->combinations = keyapi_combinations(binding->row, rel,
												&binding->columns, options,
												clauses, restricted,
												&binding->plan_private.order, false);
	binding->ranks = keyapi_rank_source(clauses, &binding->columns);
	keyapi_source_prepare(binding->ranks, binding->row);
	binding->rank_filter = init_rank_filter(binding, clauses);
	return binding;
}

KeyapiBound *
keyapi_binding_evaluate(KeyapiBinding *binding)
{
	KeyapiBound *bound = palloc0(sizeof(KeyapiBound));
	KeyapiRange range = keyapi_source_range(binding->ranks, binding->row,
											binding->options->page_size);

	keyapi_virtual_row_reset(binding->row);
	bound->lo = range.lo;
	bound->hi = range.hi;
	/* pages are numbered by integers, and no list is nearly so long */
	if (range.lo <= Min(range.hi, PG_INT32_MAX))
		bound->lists = keyapi_combinations_lists(binding->combinations,
												 &bound->nlists);
	bound->rank_major = binding->plan_private.order.rank_major;
	bound->max_rows = binding->plan_private.max_rows;
	return bound;
}

bool
keyapi_binding_wants(KeyapiBinding *binding, const KeyapiListing *list, int page,
					 int64 first, int64 last)
{
	KeyapiVirtualRow *row = binding->row;
	bool		result = false;

	if (binding->rank_filter == NULL)
		return true;
	for (int i = 0; i < list->endpoint->nparams; i++)
	{
		Datum		datum;

		if (binding->columns.params[i] != 0 &&
			keyapi_virtual_row_param_datum(row, i, list->values[i], false, &datum))
			keyapi_virtual_row_set_param(row, i, datum);
	}
	for (int64 rank = first; rank <= last && !result; rank++)
	{
		/* what no row can hold is the list's business: it ends before */
		result = !keyapi_virtual_row_set_rank(row, rank) ||
			!keyapi_virtual_row_set_page(row, page) ||
			keyapi_virtual_row_satisfies(row, binding->rank_filter);
		keyapi_virtual_row_reset(row);
	}
	return result;
}

/* ---------------------------------------------------------------------
 * Without a query
 * ---------------------------------------------------------------------
 */

KeyapiListing *
keyapi_default_lists(Relation rel, const KeyapiTableOptions *options,
					 int *nlists)
{
	KeyapiScanColumns columns;
	KeyapiVirtualRow *row;
	KeyapiCombinations *combinations;
	KeyapiListing *lists;
	List	   *bounds = keyapi_partition_bounds(rel, 1);
	uint32		restricted;
	KeyapiPreview preview;

	*nlists = 0;
	keyapi_scan_columns(&columns, rel, 1, options->endpoint);
	restricted = keyapi_params_in((Node *) bounds, keyapi_scan_var_params,
								  &columns);
	keyapi_preview(&preview, rel, &columns, options, bounds, restricted);
	for (int i = 0; i < options->endpoint->nparams; i++)
	{
		if (!preview.known[i])
			return NULL;
	}
	row = keyapi_virtual_row(rel, &columns, NULL);
	combinations = keyapi_combinations(row, rel, &columns, options, bounds,
									   restricted, NULL, false);
	lists = keyapi_combinations_lists(combinations, nlists);
	keyapi_virtual_row_free(row);
	return lists;
}
