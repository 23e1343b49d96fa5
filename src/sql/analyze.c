/*-------------------------------------------------------------------------
 *
 * analyze.c
 *	  ANALYZE of a foreign table: one page of each list that a query without
 *	  conditions reads.
 *
 *-------------------------------------------------------------------------
 */
#include "sql/analyze.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "utils/memutils.h"

#include "bind/binding.h"
#include "options/option.h"
#include "scan/pages.h"
#include "scan/tuple.h"

/* What a sample is drawn with. */
typedef struct Sampler
{
	KeyapiPages *pages;
	KeyapiTupleReader *reader;
	TupleDesc	tupdesc;
	Datum	   *values;
	bool	   *nulls;
	MemoryContext row_context;
} Sampler;

static HeapTuple
sample_row(Sampler *sampler, const KeyapiListing *list, const KeyapiPage *page,
		   int index)
{
	KeyapiRow	row = {
		.list = list,
		.page = page,
		.index = index,
		.rank = index + 1,		/* of the first page */
	};
	MemoryContext oldcontext;

	MemoryContextReset(sampler->row_context);
	oldcontext = MemoryContextSwitchTo(sampler->row_context);
	keyapi_tuple_read(sampler->reader, &row, sampler->values, sampler->nulls);
	MemoryContextSwitchTo(oldcontext);
	return heap_form_tuple(sampler->tupdesc, sampler->values, sampler->nulls);
}

/*
 * Add the first page of a list to the sample.  Returns the number of items that
 * the list announces.
 */
static double
sample_list(Sampler *sampler, const KeyapiListing *list, HeapTuple *rows,
			int *nrows, int targrows)
{
	const KeyapiPage *page = keyapi_pages_first_page(sampler->pages, list);
	int64		total_count;

	for (int i = 0; i < page->nrows && *nrows < targrows; i++)
		rows[(*nrows)++] = sample_row(sampler, list, page, i);
	total_count = keyapi_kept_page_pin(page->kept)->total_count;
	keyapi_kept_page_unpin(page->kept);
	return total_count >= 0 ? total_count : page->nrows;
}

/*
 * The columns of a sample, as keyapi_tuple_reader wants them.
 */
static Bitmapset *
sampled_columns(TupleDesc tupdesc)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (!TupleDescAttr(tupdesc, i)->attgenerated)
			columns = bms_add_member(columns,
									 i + 1 - FirstLowInvalidHeapAttributeNumber);
	}
	return columns;
}

static int
acquire_sample_rows(Relation relation, int elevel, HeapTuple *rows,
					int targrows, double *totalrows, double *totaldeadrows)
{
	KeyapiTableOptions *options = keyapi_table_options(RelationGetRelid(relation));
	TupleDesc	tupdesc = RelationGetDescr(relation);
	int			nlists;
	KeyapiListing *lists = keyapi_default_lists(relation, options, &nlists);
	int			nrows = 0;
	Sampler		sampler = {
		.tupdesc = tupdesc,
		.values = palloc(sizeof(Datum) * Max(tupdesc->natts, 1)),
		.nulls = palloc(sizeof(bool) * Max(tupdesc->natts, 1)),
		.row_context = AllocSetContextCreate(CurrentMemoryContext,
											 "keyapi_fdw sample row",
											 ALLOCSET_DEFAULT_SIZES),
	};

	sampler.reader = keyapi_tuple_reader(relation, options->endpoint,
										 sampled_columns(tupdesc));
	sampler.pages = keyapi_pages_create(RelationGetRelid(relation), GetUserId(),
										options);
	keyapi_pages_check_first_pages(sampler.pages, lists, nlists);
	*totalrows = 0;
	*totaldeadrows = 0;
	for (int i = 0; i < nlists; i++)
		*totalrows += sample_list(&sampler, &lists[i], rows, &nrows, targrows);
	keyapi_pages_finish(sampler.pages);
	MemoryContextDelete(sampler.row_context);
	return nrows;
}

/*
 * Lists have no blocks; pages are reported instead.
 *
 * A table that may not be read without conditions has no sample.  That is no
 * error: ANALYZE must go on with the tables that it is a partition or child of.
 * Autovacuum, which visits those at any time, must not spend money.
 */
bool
keyapiAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *func,
						  BlockNumber *totalpages)
{
	KeyapiTableOptions *options = keyapi_table_options(RelationGetRelid(relation));
	int			nlists;

	(void) keyapi_default_lists(relation, options, &nlists);
	if (nlists == 0 || keyapi_is_autovacuum())
		return false;
	*func = acquire_sample_rows;
	*totalpages = nlists *
		(options->endpoint->typical_rows / options->page_size);
	return true;
}
