/*-------------------------------------------------------------------------
 *
 * preview.c
 *	  What constants tell about a scan's lists and ranks before it runs.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/preview.h"

#include "optimizer/optimizer.h"

#include "bind/combinations.h"

/*
 * What constants leave open, the form of the clauses may still limit:
 * "region = $1" is one list.
 */
static void
limit_by_form(KeyapiPreview *preview, const KeyapiSource *source, int param)
{
	int64		max = keyapi_source_max_values(source);
	int			n = preview->values[param].n;

	if (preview->known[param] && (max < 0 || max > n))
		max = n;
	preview->single[param] = max == 0 || max == 1;
	if (max < 0)
		preview->max_lists = -1;
	else if (!preview->known[param])
		preview->max_lists = preview->max_lists < 0 ? -1 : preview->max_lists * max;
	else if (max < n && preview->max_lists > 0)
		preview->max_lists = preview->max_lists / n * max;
}

/*
 * Set up a parameter, if its values are known before the scan runs.
 */
static bool
preview_param(KeyapiDimension *dimension, const KeyapiClauses *clauses,
			  KeyapiVirtualRow *row, int param)
{
	KeyapiSource *source = clauses->sources.params[param];

	if (!keyapi_dimension_of_options(dimension, clauses, param))
	{
		if ((clauses->restricted & KEYAPI_PARAM_BIT(param)) == 0 ||
			!keyapi_source_is_constant(source))
			return false;
		dimension->source = source;
	}
	/* converting a value must not raise anything */
	dimension->in_row = clauses->table->params[param] != 0 &&
		keyapi_virtual_row_param_foreseeable(row, param);
	return true;
}

/*
 * Whether a clause on parameters can be evaluated before the scan runs.
 */
static bool
is_constant_filter(const KeyapiClause *clause, const KeyapiScanTable *table,
				   KeyapiVirtualRow *row)
{
	for (int i = 0; i < table->endpoint->nparams; i++)
	{
		if ((clause->use.params & KEYAPI_PARAM_BIT(i)) != 0 &&
			!keyapi_virtual_row_param_foreseeable(row, i))
			return false;
	}
	return !clause->use.external && !clause->use.internal &&
		!contain_mutable_functions(clause->expr);
}

/*
 * The combinations of those parameters whose values constants tell.
 */
static KeyapiCombinations *
constant_combinations(const KeyapiClauses *clauses, KeyapiVirtualRow *row)
{
	KeyapiDimension dimensions[KEYAPI_MAX_PARAMS];
	int			ndimensions = 0;
	List	   *filters = NIL;

	for (int i = 0; i < clauses->table->endpoint->nparams; i++)
		ndimensions += preview_param(&dimensions[ndimensions], clauses, row, i);
	for (int i = 0; i < clauses->nitems; i++)
	{
		KeyapiClause *clause = &clauses->items[i];

		if (keyapi_is_param_clause(clause) &&
			is_constant_filter(clause, clauses->table, row))
			filters = lappend(filters, clause);
	}
	return keyapi_combinations(row, clauses, dimensions, ndimensions, filters);
}

void
keyapi_preview(KeyapiPreview *preview, const KeyapiClauses *clauses,
			   KeyapiVirtualRow *row)
{
	KeyapiCombinations *combinations = constant_combinations(clauses, row);
	const KeyapiSources *sources = &clauses->sources;

	memset(preview, 0, sizeof(*preview));
	preview->max_lists = keyapi_combinations_survey(combinations, preview->known,
													preview->values);
	for (int i = 0; i < clauses->table->endpoint->nparams; i++)
		limit_by_form(preview, sources->params[i], i);
	keyapi_source_prepare_constants(sources->ranks, row);
	preview->ranks = keyapi_range_of_ranks(keyapi_source_range(sources->ranks, row),
										   clauses->table->options->page_size);
}
