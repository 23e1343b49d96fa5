/*-------------------------------------------------------------------------
 *
 * preview.c
 *	  What constants tell of a scan's lists and ranks before it runs.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/preview.h"

#include "bind/combinations.h"

/*
 * What constants leave open, the form of the clauses may still limit:
 * "region = $1" is one list.
 */
static void
limit_by_form(KeyapiPreview *preview, const KeyapiSource *source, int param)
{
	int64		max = source->may_vanish ? -1 : keyapi_source_max_values(source);
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

void
keyapi_preview(KeyapiPreview *preview, const KeyapiClauses *clauses,
			   KeyapiVirtualRow *row)
{
	KeyapiCombinations *combinations = keyapi_combinations(row, clauses, NULL,
														   true);
	const KeyapiSources *sources = &clauses->sources;

	memset(preview, 0, sizeof(*preview));
	preview->max_lists = keyapi_combinations_survey(combinations, preview->known,
													preview->values);
	for (int i = 0; i < clauses->table->endpoint->nparams; i++)
		limit_by_form(preview, sources->params[i], i);
	keyapi_source_prepare_constants(sources->ranks, row);
	preview->ranks = keyapi_source_range(sources->ranks, row,
										 clauses->table->options->page_size);
}
