/*-------------------------------------------------------------------------
 *
 * binding.c
 *	  From the clauses of a plan to the lists and ranks that a scan reads.
 *
 * Everything is derived from the node's own qual, after folding the external
 * parameters into it, so that custom and generic plans read the same lists.
 * Only what the qual does not show comes from the planner: which parameters the
 * rest of the query restricts.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/binding.h"

#include "bind/clauses.h"
#include "bind/combinations.h"
#include "bind/plan_private.h"
#include "bind/preview.h"
#include "bind/source_values.h"
#include "bind/unbound.h"
#include "bind/virtual_row.h"

struct KeyapiBinding
{
	const KeyapiScanTable *table;
	KeyapiPlanPrivate plan_private;
	KeyapiClauses *clauses;
	KeyapiVirtualRow *row;
	KeyapiCombinations *combinations;
	ExprState  *rank_filter;	/* clauses on rank and page, or NULL */
};

/* ---------------------------------------------------------------------
 * Combinations of parameters
 * ---------------------------------------------------------------------
 */

/*
 * Set up a parameter; raises 0A000 if nothing tells its values.
 */
static void
bind_param(KeyapiDimension *dimension, const KeyapiClauses *clauses, int param)
{
	KeyapiSource *source = clauses->sources.params[param];
	bool		restricted = (clauses->restricted & KEYAPI_PARAM_BIT(param)) != 0;

	if (!keyapi_dimension_of_options(dimension, clauses, param))
	{
		if (!restricted || source->kind == KEYAPI_SOURCE_OPEN)
			keyapi_unbound_error(clauses, param);
		dimension->source = source;
	}
	dimension->in_row = clauses->table->params[param] != 0;
	/* a query without a condition means its default: no row may be lost */
	dimension->required = !restricted;
}

/*
 * The combinations of all parameters, those of the order first.
 */
static KeyapiCombinations *
bind_params(KeyapiVirtualRow *row, const KeyapiClauses *clauses,
			const KeyapiOrder *order)
{
	KeyapiDimension dimensions[KEYAPI_MAX_PARAMS];
	int			ndimensions = 0;
	uint32		ordered = 0;
	List	   *filters = NIL;

	for (int i = 0; i < order->nkeys; i++)
	{
		bind_param(&dimensions[ndimensions], clauses, order->keys[i].param);
		dimensions[ndimensions++].key = &order->keys[i];
		ordered |= KEYAPI_PARAM_BIT(order->keys[i].param);
	}
	for (int i = 0; i < clauses->table->endpoint->nparams; i++)
	{
		if ((ordered & KEYAPI_PARAM_BIT(i)) == 0)
			bind_param(&dimensions[ndimensions++], clauses, i);
	}
	for (int i = 0; i < clauses->nitems; i++)
	{
		if (keyapi_is_param_clause(&clauses->items[i]))
			filters = lappend(filters, &clauses->items[i]);
	}
	return keyapi_combinations(row, clauses, dimensions, ndimensions, filters);
}

/* ---------------------------------------------------------------------
 * Scans
 * ---------------------------------------------------------------------
 */

/*
 * The clauses on ranks and pages, perhaps together with parameters, that may be
 * evaluated for ranks that no list has: "100 / (rank - 46) > 0" may not.
 */
static ExprState *
init_rank_filter(KeyapiVirtualRow *row, const KeyapiClauses *clauses)
{
	List	   *quals = NIL;

	for (int i = 0; i < clauses->nitems; i++)
	{
		const KeyapiClause *clause = &clauses->items[i];

		if (clause->use.rank && !clause->use.data && clause->use.evaluable &&
			keyapi_cannot_fail(clause->expr))
			quals = lappend(quals, clause->expr);
	}
	return quals == NIL ? NULL : keyapi_virtual_row_qual(row, quals);
}

/*
 * Parameters that are only compared with those of other tables have no default
 * if the tables' defaults differ.
 */
static void
check_conflicts(const KeyapiBinding *binding)
{
	uint32		unbound = binding->plan_private.restrictions.conflicts &
	~binding->clauses->restricted;

	for (int i = 0; i < binding->table->endpoint->nparams; i++)
	{
		if ((unbound & KEYAPI_PARAM_BIT(i)) != 0)
			keyapi_unbound_error(binding->clauses, i);
	}
}

KeyapiBinding *
keyapi_binding_begin(ForeignScanState *node, const KeyapiTableOptions *options)
{
	KeyapiBinding *binding = palloc0(sizeof(KeyapiBinding));
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	ParamListInfo params = node->ss.ps.state->es_param_list_info;
	KeyapiRestrictions *restrictions = &binding->plan_private.restrictions;

	keyapi_plan_private_unpack(&binding->plan_private, plan->fdw_private);
	restrictions->clauses = keyapi_fold(restrictions->clauses, params);
	binding->table = keyapi_scan_table(node->ss.ss_currentRelation,
									   plan->scan.scanrelid, options);
	binding->clauses = keyapi_clauses(binding->table,
									  keyapi_fold(plan->scan.plan.qual, params),
									  restrictions);
	check_conflicts(binding);
	binding->row = keyapi_virtual_row(binding->table, &node->ss.ps);
	binding->combinations = bind_params(binding->row, binding->clauses,
										&binding->plan_private.order);
	keyapi_source_prepare(binding->clauses->sources.ranks, binding->row);
	binding->rank_filter = init_rank_filter(binding->row, binding->clauses);
	return binding;
}

bool
keyapi_binding_lookalike(const KeyapiBinding *binding, KeyapiLookalike *lookalike)
{
	return keyapi_lookalike_clauses(lookalike, binding->clauses);
}

KeyapiBound *
keyapi_binding_evaluate(KeyapiBinding *binding)
{
	KeyapiBound *bound = palloc0(sizeof(KeyapiBound));
	KeyapiRange range = keyapi_source_range(binding->clauses->sources.ranks,
											binding->row);

	keyapi_virtual_row_reset(binding->row);
	bound->binding = binding;
	bound->lo = range.lo;
	bound->hi = range.hi;
	bound->last_page = (int) Min(range.last_page, PG_INT32_MAX);
	/* pages are numbered by integers, and no list is nearly so long */
	if (range.lo <= Min(range.hi, PG_INT32_MAX))
		bound->lists = keyapi_combinations_lists(binding->combinations,
												 &bound->nlists);
	bound->rank_major = binding->plan_private.order.rank_major;
	bound->max_rows = binding->plan_private.max_rows;
	return bound;
}

bool
keyapi_bound_wants(const KeyapiBound *bound, int list, int page,
				   int64 first, int64 last)
{
	const KeyapiBinding *binding = bound->binding;
	const KeyapiListing *listing = &bound->lists[list];
	KeyapiVirtualRow *row = binding->row;
	bool		result = false;

	if (binding->rank_filter == NULL)
		return true;
	for (int i = 0; i < listing->endpoint->nparams; i++)
	{
		Datum		datum;

		if (binding->table->params[i] != 0 &&
			keyapi_virtual_row_param_datum(row, i, listing->values[i], false, &datum))
			keyapi_virtual_row_set_param(row, i, datum);
	}
	for (int64 rank = first; rank <= last && !result; rank++)
	{
		/* a rank that no row can hold is beyond the end of the list */
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
	KeyapiScanTable *table = keyapi_scan_table(rel, 1, options);
	KeyapiClauses *clauses = keyapi_clauses(table,
											keyapi_partition_bounds(rel, 1),
											NULL);
	KeyapiVirtualRow *row = keyapi_virtual_row(table, NULL);
	KeyapiOrder no_order = {0};
	KeyapiListing *lists = NULL;
	KeyapiPreview preview;
	bool		known = true;

	*nlists = 0;
	keyapi_preview(&preview, clauses, row);
	for (int i = 0; i < table->endpoint->nparams; i++)
		known &= preview.known[i];
	if (known)
		lists = keyapi_combinations_lists(bind_params(row, clauses, &no_order),
										  nlists);
	keyapi_virtual_row_free(row);
	return lists;
}
