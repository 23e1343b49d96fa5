/*-------------------------------------------------------------------------
 *
 * virtual_row.c
 *	  Rows of which only parameters, rank and page are known.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/virtual_row.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* How a column's values are made of text. */
typedef struct ColumnInput
{
	Oid			type;			/* below domains: their constraints only apply
								 * to values of real rows */
	int32		typmod;
	Oid			ioparam;
	FmgrInfo	function;
} ColumnInput;

struct KeyapiVirtualRow
{
	const KeyapiScanTable *table;
	PlanState  *parent;			/* or NULL */
	ExprContext *econtext;
	TupleTableSlot *slot;
	ColumnInput params[KEYAPI_MAX_PARAMS];
	ColumnInput rank;
	ColumnInput page;
};

/*
 * The digits that a numeric(p,s) has before its decimal point: p - s, taken out of
 * the type modifier as numeric.c does it.
 */
static int
whole_digits(int32 typmod)
{
	int			precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	int			scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;

	return Max(precision - scale, 0);
}

static void
init_input(ColumnInput *input, TupleDesc tupdesc, AttrNumber attnum)
{
	Form_pg_attribute attr;
	Oid			function;

	if (attnum == 0)
		return;
	attr = TupleDescAttr(tupdesc, attnum - 1);
	input->typmod = attr->atttypmod;
	input->type = getBaseTypeAndTypmod(attr->atttypid, &input->typmod);
	getTypeInputInfo(input->type, &function, &input->ioparam);
	fmgr_info(function, &input->function);
}

KeyapiVirtualRow *
keyapi_virtual_row(const KeyapiScanTable *table, PlanState *parent)
{
	KeyapiVirtualRow *row = palloc0(sizeof(KeyapiVirtualRow));

	row->table = table;
	row->parent = parent;
	row->econtext = parent != NULL ? CreateExprContext(parent->state) :
		CreateStandaloneExprContext();
	row->slot = MakeSingleTupleTableSlot(table->tupdesc, &TTSOpsVirtual);
	ExecStoreAllNullTuple(row->slot);
	row->econtext->ecxt_scantuple = row->slot;
	for (int i = 0; i < table->endpoint->nparams; i++)
		init_input(&row->params[i], table->tupdesc, table->params[i]);
	init_input(&row->rank, table->tupdesc, table->rank);
	init_input(&row->page, table->tupdesc, table->page);
	return row;
}

void
keyapi_virtual_row_free(KeyapiVirtualRow *row)
{
	FreeExprContext(row->econtext, true);
}

ExprState *
keyapi_virtual_row_expr(KeyapiVirtualRow *row, Expr *expr)
{
	return ExecInitExpr(expr, row->parent);
}

ExprState *
keyapi_virtual_row_qual(KeyapiVirtualRow *row, List *clauses)
{
	return ExecInitQual(clauses, row->parent);
}

/* ---------------------------------------------------------------------
 * Values
 * ---------------------------------------------------------------------
 */

/*
 * Whether column_holds knows which texts a column refuses.
 */
static bool
is_foreseeable(const ColumnInput *input)
{
	switch (input->type)
	{
		case BOOLOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
			return true;
		case NUMERICOID:
			return input->typmod < 0;
		default:
			return type_is_enum(input->type);
	}
}

/*
 * Whether a column of a type for numbers can hold an integer.
 */
static bool
column_holds_number(const ColumnInput *input, const char *text)
{
	int64		number;

	if (text[strspn(text, "0123456789")] != '\0')
		return false;
	switch (input->type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			errno = 0;
			number = strtoi64(text, NULL, 10);
			return errno == 0 && number <=
				(input->type == INT2OID ? PG_INT16_MAX :
				 input->type == INT4OID ? PG_INT32_MAX : PG_INT64_MAX);
		case NUMERICOID:
			if (input->typmod < (int32) VARHDRSZ)
				return true;
			return strlen(text + strspn(text, "0")) <=
				(size_t) whole_digits(input->typmod);
		default:
			return true;
	}
}

/*
 * Whether varchar(n) or char(n) is long enough for a text.
 */
static bool
has_room(const ColumnInput *input, const char *text)
{
	return input->typmod < (int32) VARHDRSZ ||
		pg_mbstrlen(text) <= input->typmod - VARHDRSZ;
}

/*
 * Whether a column can hold the value of a parameter, as far as the type is
 * foreseeable.  Input functions do not tell; they raise an error.
 */
static bool
column_holds(const ColumnInput *input, const char *text)
{
	bool		truth;

	switch (input->type)
	{
		case BOOLOID:
			return parse_bool(text, &truth);
		case TEXTOID:
			return true;
		case NAMEOID:
			return strlen(text) < NAMEDATALEN;
		case BPCHAROID:
			/* blanks at the end are filling, not part of the value */
			return (text[0] == '\0' || text[strlen(text) - 1] != ' ') &&
				has_room(input, text);
		case VARCHAROID:
			return has_room(input, text);
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return column_holds_number(input, text);
		default:
			return !type_is_enum(input->type) ||
				(strlen(text) < NAMEDATALEN &&
				 SearchSysCacheExists2(ENUMTYPOIDNAME,
									   ObjectIdGetDatum(input->type),
									   CStringGetDatum(text)));
	}
}

bool
keyapi_virtual_row_param_foreseeable(KeyapiVirtualRow *row, int param)
{
	return row->table->params[param] == 0 ||
		is_foreseeable(&row->params[param]);
}

/* What the error context callback needs. */
typedef struct InputContext
{
	const char *table;
	const char *column;
} InputContext;

static void
input_context(void *arg)
{
	const InputContext *context = arg;

	errcontext("column \"%s\" of foreign table \"%s\"", context->column,
			   context->table);
}

bool
keyapi_virtual_row_param_datum(KeyapiVirtualRow *row, int param, const char *text,
							   bool required, Datum *datum)
{
	ColumnInput *input = &row->params[param];
	InputContext context = {
		row->table->name, row->table->endpoint->params[param].name
	};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = input_context,
		.arg = &context,
	};

	if (!required && !column_holds(input, text))
		return false;
	if (input->type == TEXTOID)
	{
		*datum = CStringGetTextDatum(text);
		return true;
	}
	error_context_stack = &callback;
	*datum = InputFunctionCall(&input->function, unconstify(char *, text),
							   input->ioparam, input->typmod);
	error_context_stack = callback.previous;
	return true;
}

static void
set_column(KeyapiVirtualRow *row, AttrNumber attnum, Datum datum)
{
	if (attnum == 0)
		return;
	row->slot->tts_values[attnum - 1] = datum;
	row->slot->tts_isnull[attnum - 1] = false;
}

void
keyapi_virtual_row_set_param(KeyapiVirtualRow *row, int param, Datum datum)
{
	set_column(row, row->table->params[param], datum);
}

/*
 * False if the column's type has no such number, or may have none.
 */
static bool
set_number(KeyapiVirtualRow *row, AttrNumber attnum, ColumnInput *input,
		   int64 number)
{
	MemoryContext oldcontext;
	char		text[MAXINT8LEN + 1];

	if (attnum == 0)
		return true;
	if (!is_foreseeable(input) ||
		(input->type == INT2OID && number > PG_INT16_MAX))
		return false;
	if (input->type == INT4OID)
	{
		if (number <= PG_INT32_MAX)
			set_column(row, attnum, Int32GetDatum((int32) number));
		return number <= PG_INT32_MAX;
	}
	pg_lltoa(number, text);
	if (!column_holds(input, text))
		return false;
	oldcontext = MemoryContextSwitchTo(row->econtext->ecxt_per_tuple_memory);
	set_column(row, attnum, InputFunctionCall(&input->function, text,
											  input->ioparam, input->typmod));
	MemoryContextSwitchTo(oldcontext);
	return true;
}

bool
keyapi_virtual_row_set_rank(KeyapiVirtualRow *row, int64 rank)
{
	return set_number(row, row->table->rank, &row->rank, rank);
}

bool
keyapi_virtual_row_set_page(KeyapiVirtualRow *row, int64 page)
{
	return set_number(row, row->table->page, &row->page, page);
}

/* ---------------------------------------------------------------------
 * Evaluation
 * ---------------------------------------------------------------------
 */

bool
keyapi_virtual_row_satisfies(KeyapiVirtualRow *row, ExprState *qual)
{
	return ExecQual(qual, row->econtext);
}

Datum
keyapi_virtual_row_value(KeyapiVirtualRow *row, ExprState *expr, bool *isnull)
{
	return ExecEvalExprSwitchContext(expr, row->econtext, isnull);
}

void
keyapi_virtual_row_reset(KeyapiVirtualRow *row)
{
	ResetExprContext(row->econtext);
}
