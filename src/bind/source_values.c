/*-------------------------------------------------------------------------
 *
 * source_values.c
 *	  Sources -> sets of texts and ranges of ranks.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/source_values.h"

#include <math.h>

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static const KeyapiRange all_ranks = {1, PG_INT64_MAX, PG_INT64_MAX};
static const KeyapiRange no_ranks = {1, 0, 0};

void
keyapi_source_prepare(KeyapiSource *source, KeyapiVirtualRow *row)
{
	ListCell   *lc;

	if (source->value != NULL)
		source->state = keyapi_virtual_row_expr(row, source->value);
	foreach(lc, source->args)
		keyapi_source_prepare(lfirst(lc), row);
}

void
keyapi_source_prepare_constants(KeyapiSource *source, KeyapiVirtualRow *row)
{
	ListCell   *lc;

	if (source->value != NULL && IsA(source->value, Const) &&
		!source->may_vanish)
		source->state = keyapi_virtual_row_expr(row, source->value);
	foreach(lc, source->args)
		keyapi_source_prepare_constants(lfirst(lc), row);
}

bool
keyapi_source_is_constant(const KeyapiSource *source)
{
	ListCell   *lc;

	if (source->kind == KEYAPI_SOURCE_OPEN || source->may_vanish)
		return false;
	if (source->value != NULL && !IsA(source->value, Const))
		return false;
	foreach(lc, source->args)
	{
		if (!keyapi_source_is_constant(lfirst(lc)))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------------
 * Number of values
 * ---------------------------------------------------------------------
 */

static int64
max_array_elements(Expr *expr)
{
	if (IsA(expr, Const) && !((Const *) expr)->constisnull)
	{
		ArrayType  *array = DatumGetArrayTypeP(((Const *) expr)->constvalue);

		return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	}
	if (IsA(expr, ArrayExpr) && !((ArrayExpr *) expr)->multidims)
		return list_length(((ArrayExpr *) expr)->elements);
	return -1;
}

int64
keyapi_source_max_values(const KeyapiSource *source)
{
	int64		result = 0;
	ListCell   *lc;

	if (source->may_vanish)
		return -1;
	switch (source->kind)
	{
		case KEYAPI_SOURCE_OPEN:
			return -1;
		case KEYAPI_SOURCE_NONE:
			return 0;
		case KEYAPI_SOURCE_VALUE:
			return source->strategy == BTEqualStrategyNumber ? 1 : -1;
		case KEYAPI_SOURCE_ARRAY:
			return source->strategy == BTEqualStrategyNumber ?
				max_array_elements(source->value) : -1;
		case KEYAPI_SOURCE_AND:
			result = -1;
			foreach(lc, source->args)
			{
				int64		n = keyapi_source_max_values(lfirst(lc));

				if (n >= 0 && (result < 0 || n < result))
					result = n;
			}
			return result;
		case KEYAPI_SOURCE_OR:
			foreach(lc, source->args)
			{
				int64		n = keyapi_source_max_values(lfirst(lc));

				if (n < 0)
					return -1;
				result += n;
			}
			return result;
	}
	return -1;
}

/* ---------------------------------------------------------------------
 * Elements of a value
 * ---------------------------------------------------------------------
 */

/*
 * A value as text; of a char(n), without the blanks that fill it up.
 */
static char *
text_of(Oid output, Oid type, Datum value)
{
	char	   *text = OidOutputFunctionCall(output, value);

	if (type == BPCHAROID)
		text[bpchartruelen(text, strlen(text))] = '\0';
	return text;
}

/*
 * The value of a leaf as texts, NULLs left out.
 */
static List *
leaf_texts(const KeyapiSource *leaf, KeyapiVirtualRow *row)
{
	Oid			type = exprType((Node *) leaf->value);
	Oid			output;
	bool		isvarlena;
	bool		isnull;
	Datum		value = keyapi_virtual_row_value(row, leaf->state, &isnull);
	Datum	   *elements = &value;
	bool	   *nulls = &isnull;
	int			nelements = 1;
	List	   *result = NIL;

	if (isnull)
		return NIL;
	if (leaf->kind == KEYAPI_SOURCE_ARRAY)
	{
		ArrayType  *array = DatumGetArrayTypeP(value);
		int16		typlen;
		bool		typbyval;
		char		typalign;

		type = ARR_ELEMTYPE(array);
		get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
		deconstruct_array(array, type, typlen, typbyval, typalign,
						  &elements, &nulls, &nelements);
	}
	type = getBaseType(type);
	getTypeOutputInfo(type, &output, &isvarlena);
	for (int i = 0; i < nelements; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			result = lappend(result, text_of(output, type, elements[i]));
	}
	return result;
}

/* ---------------------------------------------------------------------
 * Sets of texts
 * ---------------------------------------------------------------------
 */

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static KeyapiTextSet
make_set(List *texts)
{
	KeyapiTextSet set = {0, palloc(sizeof(char *) * Max(list_length(texts), 1))};
	int			n = 0;
	ListCell   *lc;

	foreach(lc, texts)
	{
		const char *text = lfirst(lc);

		if (*text != '\0' && strlen(text) <= KEYAPI_MAX_PARAM_BYTES)
			set.texts[n++] = text;
	}
	qsort(set.texts, n, sizeof(char *), compare_texts);
	for (int i = 0; i < n; i++)
	{
		if (set.n == 0 || strcmp(set.texts[set.n - 1], set.texts[i]) != 0)
			set.texts[set.n++] = set.texts[i];
	}
	return set;
}

static KeyapiTextSet
unite(KeyapiTextSet a, KeyapiTextSet b)
{
	KeyapiTextSet set = {0, palloc(sizeof(char *) * Max(a.n + b.n, 1))};
	int			i = 0;
	int			j = 0;

	while (i < a.n || j < b.n)
	{
		int			order = i == a.n ? 1 : j == b.n ? -1 :
		strcmp(a.texts[i], b.texts[j]);

		set.texts[set.n++] = order <= 0 ? a.texts[i] : b.texts[j];
		i += order <= 0;
		j += order >= 0;
	}
	return set;
}

static KeyapiTextSet
intersect(KeyapiTextSet a, KeyapiTextSet b)
{
	KeyapiTextSet set = {0, a.texts};
	int			j = 0;

	for (int i = 0; i < a.n; i++)
	{
		while (j < b.n && strcmp(b.texts[j], a.texts[i]) < 0)
			j++;
		if (j < b.n && strcmp(b.texts[j], a.texts[i]) == 0)
			set.texts[set.n++] = a.texts[i];
	}
	return set;
}

KeyapiTextSet
keyapi_source_texts(const KeyapiSource *source, KeyapiVirtualRow *row)
{
	KeyapiTextSet result = {0, NULL};
	ListCell   *lc;

	switch (source->kind)
	{
		case KEYAPI_SOURCE_OPEN:
			elog(ERROR, "source without values");
			break;
		case KEYAPI_SOURCE_NONE:
			break;
		case KEYAPI_SOURCE_VALUE:
		case KEYAPI_SOURCE_ARRAY:
			result = make_set(leaf_texts(source, row));
			break;
		case KEYAPI_SOURCE_AND:
		case KEYAPI_SOURCE_OR:
			foreach(lc, source->args)
			{
				KeyapiTextSet set = keyapi_source_texts(lfirst(lc), row);

				if (foreach_current_index(lc) == 0)
					result = set;
				else if (source->kind == KEYAPI_SOURCE_AND)
					result = intersect(result, set);
				else
					result = unite(result, set);
			}
			break;
	}
	return result;
}

/* ---------------------------------------------------------------------
 * Ranges
 * ---------------------------------------------------------------------
 */

static bool
is_empty(KeyapiRange range)
{
	return range.lo > range.hi;
}

KeyapiRange
keyapi_range_of_ranks(KeyapiRange range, int page_size)
{
	if (range.last_page < PG_INT64_MAX / page_size)
		range.hi = Min(range.hi, range.last_page * page_size);
	return range;
}

/*
 * Whether a number as text has nothing but zeros after its decimal point.
 */
static bool
is_whole(const char *text)
{
	text += strspn(text, "-0123456789");
	if (*text == '.')
		text += 1 + strspn(text + 1, "0");
	return *text == '\0';
}

/*
 * The ranks r for which "r OP number" holds.
 */
static KeyapiRange
range_of_number(int strategy, const char *text)
{
	KeyapiRange range = all_ranks;
	double		number = strtod(text, NULL);

	/* NaN is above all numbers; a double cannot hold all integers above 1e15 */
	if (isnan(number) || number > 1e15)
		return strategy < BTEqualStrategyNumber ? all_ranks : no_ranks;
	if (number < -1e15)
		number = -1e15;
	/* 5.00000000000000000001 has become 5, which is less */
	if (number == floor(number) && !is_whole(text))
	{
		if (strategy == BTLessStrategyNumber)
			strategy = BTLessEqualStrategyNumber;
		else if (strategy == BTGreaterStrategyNumber)
			strategy = BTGreaterEqualStrategyNumber;
	}
	if (strategy <= BTEqualStrategyNumber)
		range.hi = strategy == BTLessStrategyNumber ?
			(int64) ceil(number) - 1 : (int64) floor(number);
	if (strategy >= BTEqualStrategyNumber)
		range.lo = strategy == BTGreaterStrategyNumber ?
			(int64) floor(number) + 1 : (int64) ceil(number);
	range.lo = Max(range.lo, 1);
	return range;
}

static KeyapiRange
hull(KeyapiRange a, KeyapiRange b)
{
	if (is_empty(a))
		return b;
	if (is_empty(b))
		return a;
	return (KeyapiRange)
	{
		Min(a.lo, b.lo), Max(a.hi, b.hi), Max(a.last_page, b.last_page)
	};
}

static KeyapiRange
range_of_leaf(const KeyapiSource *leaf, KeyapiVirtualRow *row)
{
	KeyapiRange range = no_ranks;
	ListCell   *lc;

	if (leaf->state == NULL)
		return all_ranks;
	foreach(lc, leaf_texts(leaf, row))
		range = hull(range, range_of_number(leaf->strategy, lfirst(lc)));
	if (leaf->of_page && !is_empty(range))
		range = (KeyapiRange)
	{
		1, PG_INT64_MAX, range.hi
	};
	return range;
}

KeyapiRange
keyapi_source_range(const KeyapiSource *source, KeyapiVirtualRow *row)
{
	KeyapiRange result = no_ranks;
	ListCell   *lc;

	/* the condition may turn out to be true by itself */
	if (source->may_vanish)
		return all_ranks;
	switch (source->kind)
	{
		case KEYAPI_SOURCE_OPEN:
			return all_ranks;
		case KEYAPI_SOURCE_NONE:
			return no_ranks;
		case KEYAPI_SOURCE_VALUE:
		case KEYAPI_SOURCE_ARRAY:
			return range_of_leaf(source, row);
		case KEYAPI_SOURCE_OR:
			foreach(lc, source->args)
				result = hull(result, keyapi_source_range(lfirst(lc), row));
			return result;
		case KEYAPI_SOURCE_AND:
			result = all_ranks;
			foreach(lc, source->args)
			{
				KeyapiRange range = keyapi_source_range(lfirst(lc), row);

				result.lo = Max(result.lo, range.lo);
				result.hi = Min(result.hi, range.hi);
				result.last_page = Min(result.last_page, range.last_page);
			}
			return result;
	}
	return all_ranks;
}
