/*-------------------------------------------------------------------------
 *
 * tuple.c
 *	  Where a page's rows become tuples: cells -> Datums.
 *
 * Every value goes through its column's input function, so that a column may
 * have any type that takes the text.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/tuple.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "api/failure.h"
#include "api/secret.h"
#include "options/option.h"

/* How to fill one column. */
typedef struct ColumnReader
{
	int			index;			/* in values and nulls */
	KeyapiColumnKind kind;
	int			source;			/* KEYAPI_COLUMN_FIELD: index of the cell;
								 * KEYAPI_COLUMN_PARAM: of the parameter */
	Oid			type;
	int32		typmod;
	Oid			ioparam;
	FmgrInfo	input;
} ColumnReader;

struct KeyapiTupleReader
{
	Relation	rel;
	int			ncolumns;
	ColumnReader *columns;
};

/* What the error context callback needs. */
typedef struct ReadContext
{
	const KeyapiTupleReader *reader;
	const KeyapiRow *row;
	const ColumnReader *column;
} ReadContext;

static bool
is_used(Bitmapset *attrs_used, AttrNumber attnum)
{
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attrs_used) ||
		bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, attrs_used);
}

/*
 * PostgreSQL expects that a foreign table stores generated values with its rows,
 * but the API stores nothing.
 */
static void
generated_column_error(Relation rel, Form_pg_attribute attr)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot read generated column \"%s\" of foreign table \"%s\"",
					NameStr(attr->attname), RelationGetRelationName(rel)),
			 errdetail("The API does not store its values."),
			 errhint("Compute it in a view.")));
}

KeyapiTupleReader *
keyapi_tuple_reader(Relation rel, const KeyapiEndpoint *endpoint,
					Bitmapset *attrs_used,
					const char *const **paths, int *npaths)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	KeyapiTupleReader *reader = palloc0(sizeof(KeyapiTupleReader));
	const char **cells = palloc0(sizeof(char *) * Max(tupdesc->natts, 1));
	int			ncells = 0;

	reader->rel = rel;
	reader->columns = palloc0(sizeof(ColumnReader) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		ColumnReader *column = &reader->columns[reader->ncolumns];
		const char *field;
		Oid			input;

		if (attr->attisdropped || !is_used(attrs_used, attr->attnum))
			continue;
		if (attr->attgenerated == ATTRIBUTE_GENERATED_STORED)
			generated_column_error(rel, attr);
		if (attr->attgenerated)
			continue;			/* virtual ones are not read */
		reader->ncolumns++;
		keyapi_column_source(endpoint, RelationGetRelid(rel), attr->attnum,
							 &column->kind, &field);
		if (column->kind == KEYAPI_COLUMN_FIELD)
		{
			keyapi_check_column_name(endpoint, RelationGetRelid(rel), attr->attnum);
			column->source = ncells;
			cells[ncells++] = field;
		}
		else if (column->kind == KEYAPI_COLUMN_PARAM)
			column->source = keyapi_endpoint_param(endpoint, field);
		column->index = i;
		column->type = attr->atttypid;
		column->typmod = attr->atttypmod;
		getTypeInputInfo(attr->atttypid, &input, &column->ioparam);
		fmgr_info(input, &column->input);
	}
	*paths = cells;
	*npaths = ncells;
	return reader;
}

/*
 * A number as text, palloc'd; NULL if it is negative, that is, unknown.
 */
static char *
number_text(int64 number)
{
	return number < 0 ? NULL : psprintf(INT64_FORMAT, number);
}

/*
 * The API's text in the database's encoding, or NULL.  The decoder has made
 * sure that it is UTF-8, so a database with that encoding need not look again.
 */
static const char *
server_text(const char *text)
{
	if (text == NULL || GetDatabaseEncoding() == PG_UTF8)
		return text;
	return pg_any_to_server(text, strlen(text), PG_UTF8);
}

/*
 * The value of a column as text, or NULL.
 */
static const char *
column_text(const ColumnReader *column, const KeyapiRow *row)
{
	switch (column->kind)
	{
		case KEYAPI_COLUMN_FIELD:
			return server_text(row->item->cells[column->source]);
		case KEYAPI_COLUMN_PARAM:
			return row->list->values[column->source];
		case KEYAPI_COLUMN_RANK:
			return number_text(row->rank);
		case KEYAPI_COLUMN_PAGE:
			return number_text(row->page->number);
		case KEYAPI_COLUMN_TOTAL_COUNT:
			return number_text(row->page->data.total_count);
		case KEYAPI_COLUMN_REQUEST_ID:
			return server_text(row->page->data.request_id);
		case KEYAPI_COLUMN_FETCHED_AT:
			/* ISO: other styles may name the time zone ambiguously */
			return pstrdup(timestamptz_to_str(row->page->fetched_at));
	}
	return NULL;
}

/*
 * The value of a column that is at hand in its type's own form, and needs no
 * detour over text; false if it is not.
 */
static bool
value_at_hand(const ColumnReader *column, const KeyapiRow *row, Datum *value)
{
	if (column->kind == KEYAPI_COLUMN_FETCHED_AT &&
		column->type == TIMESTAMPTZOID && column->typmod == -1)
		*value = TimestampTzGetDatum(row->page->fetched_at);
	else if (column->kind == KEYAPI_COLUMN_RANK &&
			 column->type == INT4OID && row->rank <= PG_INT32_MAX)
		*value = Int32GetDatum((int32) row->rank);
	else
		return false;
	return true;
}

static void
read_context(void *arg)
{
	const ReadContext *context = arg;
	const KeyapiRow *row = context->row;
	TupleDesc	tupdesc = RelationGetDescr(context->reader->rel);

	errcontext("column \"%s\" of foreign table \"%s\", %s %s, page %d of list %s",
			   NameStr(TupleDescAttr(tupdesc, context->column->index)->attname),
			   RelationGetRelationName(context->reader->rel),
			   row->list->endpoint->item,
			   row->item->id == NULL ? "without id" : keyapi_quotable(row->item->id),
			   row->page->number, keyapi_listing_key(row->list));
}

/*
 * Fill the columns.  context->column is the one at hand, for error reports.
 */
static void
read_columns(ReadContext *context, Datum *values, bool *nulls)
{
	const KeyapiTupleReader *reader = context->reader;

	for (int i = 0; i < reader->ncolumns; i++)
	{
		ColumnReader *column = &reader->columns[i];
		const char *text;

		context->column = column;
		if (value_at_hand(column, context->row, &values[column->index]))
		{
			nulls[column->index] = false;
			continue;
		}
		text = column_text(column, context->row);
		values[column->index] =
			InputFunctionCall(&column->input, unconstify(char *, text),
							  column->ioparam, column->typmod);
		nulls[column->index] = text == NULL;
	}
}

void
keyapi_tuple_read(KeyapiTupleReader *reader, const KeyapiRow *row,
				  Datum *values, bool *nulls)
{
	MemoryContext memory = CurrentMemoryContext;
	ReadContext context = {reader, row, NULL};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = read_context,
		.arg = &context,
	};

	memset(nulls, true, sizeof(bool) * RelationGetDescr(reader->rel)->natts);
	PG_TRY();
	{
		error_context_stack = &callback;
		read_columns(&context, values, nulls);
	}
	PG_CATCH();
	{
		keyapi_secret_rethrow(memory);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
}
