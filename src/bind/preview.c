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
limit_by_form(KeyapiOutlook *outlook, const KeyapiSource *source, int param)
{
	int64		max = source->may_vanish ? -1 : keyapi_source_max_values(source);
	int			n = outlook->values[param].n;

	if (outlook->known[param] && (max < 0 || max > n))
		max = n;
	outlook->single[param] = max == 0 || max == 1;
	if (max < 0)
		outlook->max_lists = -1;
	else if (!outlook->known[param])
		outlook->max_lists = outlook->max_lists < 0 ? -1 : outlook->max_lists * max;
	else if (max < n && outlook->max_lists > 0)
		outlook->max_lists = outlook->max_lists / n * max;
}

void
keyapi_outlook(KeyapiOutlook *outlook, Relation rel,
			   const KeyapiScanColumns *columns,
			   const KeyapiTableOptions *options,
			   List *clauses, uint32 mentioned)
{
	KeyapiVirtualRow *row = keyapi_virtual_row(rel, columns, NULL);
	KeyapiCandidates *candidates = keyapi_candidates(row, rel, columns, options,
													 clauses, mentioned, NULL,
													 true);
	int			nparams = options->endpoint->nparams;
	KeyapiSource *ranks = keyapi_rank_source(clauses, columns);

	memset(outlook, 0, sizeof(*outlook));
	outlook->max_lists = keyapi_candidates_survey(candidates, outlook->known,
												  outlook->values);

	for (int i = 0; i < nparams; i++)
		limit_by_form(outlook, keyapi_param_source(clauses, columns, i), i);
	keyapi_source_prepare_constants(ranks, row);
	outlook->ranks = keyapi_source_range(ranks, row, options->page_size);
	keyapi_virtual_row_free(row);
}
