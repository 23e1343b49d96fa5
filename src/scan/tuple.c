/*-------------------------------------------------------------------------
 *
 * tuple.c
 *	  Where a page's rows become tuples: members of a block -> Datums.
 *
 * A column may have any type that takes the text: its input function gets it.
 * For the types that nearly all columns have, the value is made without that
 * detour; where it would not be the same, the input function is asked after all.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/tuple.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "api/failure.h"
#include "api/secret.h"
#include "fetch/response.h"
#include "json/field.h"
#include "options/column_source.h"
#include "scan/attrs.h"

/* How to fill one column. */
typedef struct ColumnReader
{
	int			index;			/* in values and nulls */
	KeyapiColumnKind kind;
	int			param;			/* KEYAPI_COLUMN_PARAM: index of the parameter */
	const char *path;			/* KEYAPI_COLUMN_FIELD */
	KeyapiField field;			/* the same for the reader's names */
	Oid			type;			/* InvalidOid if it has a typmod: only the
								 * input function knows what that means */
	int32		typmod;
	Oid			ioparam;
	FmgrInfo	input;
} ColumnReader;

struct KeyapiTupleReader
{
	Relation	rel;
	MemoryContext context;
	int			ncolumns;
	ColumnReader *columns;
	StringInfoData text;		/* of the value at hand, for its input
								 * function */
	bool		is_utf8;		/* the database's encoding is the API's */

	/* of the blocks that were read last; resolved again when they change */
	StringInfoData names;
	KeyapiAttrs *attrs;			/* NULL: no row was needed as jsonb */
};

/* What the error context callback needs. */
typedef struct ReadContext
{
	KeyapiTupleReader *reader;
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

static void
init_column(ColumnReader *column, int index, Relation rel, const KeyapiEndpoint *endpoint)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), index);
	KeyapiColumnSource source = keyapi_column_source(rel, endpoint, index);
	Oid			input;

	column->kind = source.kind;
	if (column->kind == KEYAPI_COLUMN_FIELD)
	{
		keyapi_check_column_name(endpoint, attr);
		column->path = source.field;
	}
	else if (column->kind == KEYAPI_COLUMN_PARAM)
		column->param = keyapi_endpoint_param(endpoint, source.field);
	column->index = index;
	column->type = attr->atttypmod == -1 ? attr->atttypid : InvalidOid;
	column->typmod = attr->atttypmod;
	getTypeInputInfo(attr->atttypid, &input, &column->ioparam);
	fmgr_info(input, &column->input);
}

KeyapiTupleReader *
keyapi_tuple_reader(Relation rel, const KeyapiEndpoint *endpoint,
					Bitmapset *attrs_used)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	KeyapiTupleReader *reader = palloc0(sizeof(KeyapiTupleReader));

	reader->rel = rel;
	reader->context = CurrentMemoryContext;
	reader->is_utf8 = GetDatabaseEncoding() == PG_UTF8;
	initStringInfo(&reader->text);
	initStringInfo(&reader->names);
	reader->columns = palloc0(sizeof(ColumnReader) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (attr->attisdropped || !is_used(attrs_used, attr->attnum))
			continue;
		if (attr->attgenerated == ATTRIBUTE_GENERATED_STORED)
			generated_column_error(rel, attr);
		if (attr->attgenerated)
			continue;			/* virtual ones are not read */
		init_column(&reader->columns[reader->ncolumns++], i, rel, endpoint);
	}
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ColumnReader *column = &reader->columns[i];

		if (column->kind == KEYAPI_COLUMN_FIELD)
			column->field = keyapi_field_resolve(column->path, keyapi_slice(NULL, 0));
	}
	return reader;
}

/* ---------------------------------------------------------------------
 * Values of all kinds of columns
 * ---------------------------------------------------------------------
 */

/*
 * What the column's input function makes of a text; of NULL, too, which a domain
 * may refuse.  Returns false for NULL.
 */
static bool
input_value(ColumnReader *column, char *text, Datum *value)
{
	if (text == NULL && column->input.fn_strict)
		return false;
	*value = InputFunctionCall(&column->input, text, column->ioparam,
							   column->typmod);
	return text != NULL;
}

static bool
input_number(ColumnReader *column, int64 number, Datum *value)
{
	if (number < 0)
		return input_value(column, NULL, value);	/* unknown */
	if (column->type == INT4OID && number <= PG_INT32_MAX)
		*value = Int32GetDatum((int32) number);
	else if (column->type == INT8OID)
		*value = Int64GetDatum(number);
	else
		return input_value(column, psprintf(INT64_FORMAT, number), value);
	return true;
}

static bool
input_time(ColumnReader *column, TimestampTz time, Datum *value)
{
	if (column->type == TIMESTAMPTZOID)
	{
		*value = TimestampTzGetDatum(time);
		return true;
	}
	/* ISO: other styles may name the time zone ambiguously */
	return input_value(column, pstrdup(timestamptz_to_str(time)), value);
}

/*
 * The number that a text is, if it is nothing but digits, maybe after a minus
 * sign.
 */
static bool
parse_integer(KeyapiSlice text, int64 *result)
{
	bool		negative = text.len > 0 && text.data[0] == '-';
	int64		number = 0;

	if (text.len == negative)
		return false;
	for (size_t i = negative; i < text.len; i++)
	{
		int64		digit = text.data[i] - '0';

		/* below zero there is one number more */
		if (digit < 0 || digit > 9 ||
			pg_mul_s64_overflow(number, 10, &number) ||
			pg_sub_s64_overflow(number, digit, &number))
			return false;
	}
	*result = number;
	return negative || !pg_sub_s64_overflow(0, number, result);
}

/*
 * A text, which is not NULL and in the database's encoding, as text or integer;
 * false if the column's type is another one or does not take it.
 */
static bool
convert_text(const ColumnReader *column, KeyapiSlice text, Datum *value)
{
	int64		number;

	switch (column->type)
	{
		case TEXTOID:
		case VARCHAROID:
			*value = PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
			return true;
		case INT4OID:
			if (!parse_integer(text, &number) ||
				number < PG_INT32_MIN || number > PG_INT32_MAX)
				return false;
			*value = Int32GetDatum((int32) number);
			return true;
		case INT8OID:
			if (!parse_integer(text, &number))
				return false;
			*value = Int64GetDatum(number);
			return true;
		default:
			return false;
	}
}

/*
 * The text of a member in the database's encoding, with a NUL, until the next one
 * is wanted; NULL if there is none.
 */
static KeyapiSlice
member_text(KeyapiTupleReader *reader, const KeyapiMember *member)
{
	StringInfo	buf = &reader->text;
	KeyapiSlice text = member->text;

	resetStringInfo(buf);
	enlargeStringInfo(buf, text.len);
	if (member->escaped)
		buf->len = keyapi_json_unescape(text, buf->data);
	else
		appendBinaryStringInfo(buf, text.data, text.len);
	buf->data[buf->len] = '\0';
	if (reader->is_utf8)
		return keyapi_slice(buf->data, buf->len);

	/* the decoder has made sure that it is UTF-8 */
	text.data = pg_any_to_server(buf->data, buf->len, PG_UTF8);
	text.len = strlen(text.data);
	return text;
}

static bool
input_member(KeyapiTupleReader *reader, ColumnReader *column,
			 const KeyapiMember *member, Datum *value)
{
	KeyapiSlice text = member->text;

	if (text.data == NULL || member->kind == KEYAPI_MEMBER_NULL)
		return input_value(column, NULL, value);
	if (member->escaped || !reader->is_utf8)
		text = member_text(reader, member);
	if (convert_text(column, text, value))
		return true;
	if (text.data == member->text.data)
		text = member_text(reader, member);
	return input_value(column, unconstify(char *, text.data), value);
}

/* ---------------------------------------------------------------------
 * Fields
 * ---------------------------------------------------------------------
 */

/*
 * Resolve the fields of all columns for the names of a block, unless they are.
 */
static void
resolve_fields(KeyapiTupleReader *reader, const KeyapiBlock *block)
{
	KeyapiSlice names = keyapi_block_names(block);

	if (names.len == reader->names.len &&
		memcmp(names.data, reader->names.data, names.len) == 0)
		return;
	resetStringInfo(&reader->names);
	appendBinaryStringInfo(&reader->names, names.data, names.len);
	names.data = reader->names.data;
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ColumnReader *column = &reader->columns[i];

		if (column->kind == KEYAPI_COLUMN_FIELD)
			column->field = keyapi_field_resolve(column->path, names);
	}
	if (reader->attrs != NULL)
		pfree(reader->attrs);
	reader->attrs = NULL;
}

/*
 * The row as jsonb, without parsing it; false if that cannot be.
 */
static bool
read_attrs(KeyapiTupleReader *reader, const KeyapiRow *row, Datum *value)
{
	if (reader->attrs == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(reader->context);

		reader->attrs = keyapi_attrs_create(keyapi_slice(reader->names.data,
														 reader->names.len));
		MemoryContextSwitchTo(oldcontext);
	}
	return keyapi_attrs_read(reader->attrs, row->page->kept->block, row->index, value);
}

static bool
read_field(KeyapiTupleReader *reader, ColumnReader *column, const KeyapiRow *row,
		   Datum *value)
{
	const KeyapiAllocator allocator = keyapi_allocator(CurrentMemoryContext);
	KeyapiMember member;

	if (column->type == JSONBOID && column->path[0] == '\0' &&
		read_attrs(reader, row, value))
		return true;
	if (!keyapi_field_read(&column->field, row->page->kept->block, row->index, &allocator,
						   &member))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while parsing a part of a row.")));
	return input_member(reader, column, &member, value);
}

/* ---------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------
 */

/*
 * Returns false for NULL.
 */
static bool
read_column(KeyapiTupleReader *reader, ColumnReader *column, const KeyapiRow *row,
			Datum *value)
{
	const char *param;
	KeyapiMember member = {.kind = KEYAPI_MEMBER_STRING};

	switch (column->kind)
	{
		case KEYAPI_COLUMN_FIELD:
			return read_field(reader, column, row, value);
		case KEYAPI_COLUMN_PARAM:
			param = row->list->values[column->param];
			return convert_text(column, keyapi_slice(param, strlen(param)), value) ||
				input_value(column, unconstify(char *, param), value);
		case KEYAPI_COLUMN_RANK:
			return input_number(column, row->rank, value);
		case KEYAPI_COLUMN_PAGE:
			return input_number(column, row->page->number, value);
		case KEYAPI_COLUMN_TOTAL_COUNT:
			return input_number(column, row->page->kept->block->total_count, value);
		case KEYAPI_COLUMN_REQUEST_ID:
			member.text = keyapi_block_request_id(row->page->kept->block);
			return input_member(reader, column, &member, value);
		case KEYAPI_COLUMN_FETCHED_AT:
			return input_time(column, row->page->fetched_at, value);
	}
	return false;
}

static void
read_context(void *arg)
{
	const ReadContext *context = arg;
	const KeyapiRow *row = context->row;
	KeyapiSlice id = keyapi_block_id(row->page->kept->block, row->index);
	TupleDesc	tupdesc = RelationGetDescr(context->reader->rel);

	errcontext("column \"%s\" of foreign table \"%s\", %s %s, page %d of list %s",
			   NameStr(TupleDescAttr(tupdesc, context->column->index)->attname),
			   RelationGetRelationName(context->reader->rel),
			   row->list->endpoint->item,
			   id.data == NULL ? "without id" :
			   keyapi_quotable(pnstrdup(id.data, id.len)),
			   row->page->number, keyapi_listing_key(row->list));
}

/*
 * Fill the columns.  context->column is the one at hand, for error reports.
 */
static void
read_columns(ReadContext *context, Datum *values, bool *nulls)
{
	KeyapiTupleReader *reader = context->reader;

	resolve_fields(reader, context->row->page->kept->block);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		ColumnReader *column = &reader->columns[i];

		context->column = column;
		nulls[column->index] = !read_column(reader, column, context->row,
											&values[column->index]);
	}
}

/*
 * The same, with what an error needs.
 */
static void
read_guarded(KeyapiTupleReader *reader, const KeyapiRow *row, Datum *values, bool *nulls)
{
	MemoryContext memory = CurrentMemoryContext;
	ReadContext context = {reader, row, NULL};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = read_context,
		.arg = &context,
	};

	/* an input function may run queries, which need memory for pages too */
	(void) keyapi_kept_page_pin(row->page->kept);
	PG_TRY();
	{
		error_context_stack = &callback;
		read_columns(&context, values, nulls);
	}
	PG_CATCH();
	{
		keyapi_kept_page_unpin(row->page->kept);
		keyapi_secret_rethrow(memory);
	}
	PG_END_TRY();
	keyapi_kept_page_unpin(row->page->kept);
	error_context_stack = callback.previous;
}

void
keyapi_tuple_read(KeyapiTupleReader *reader, const KeyapiRow *row,
				  Datum *values, bool *nulls)
{
	memset(nulls, true, sizeof(bool) * RelationGetDescr(reader->rel)->natts);
	if (reader->ncolumns > 0)
		read_guarded(reader, row, values, nulls);
}
