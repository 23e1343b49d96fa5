/*-------------------------------------------------------------------------
 *
 * combinations.c
 *	  Values of each parameter -> combinations that pass the clauses.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/combinations.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

/* A value that a parameter may have. */
typedef struct ParamValue
{
	const char *text;
	Datum		datum;			/* as its column has it, if that is set */
	bool		used;			/* in a combination that passes */
} ParamValue;

/* One parameter. */
typedef struct Dimension
{
	KeyapiDimension given;
	ExprState  *filter;			/* clauses on this parameter alone, or NULL */

	/* of the current evaluation */
	int			nvalues;
	ParamValue *values;
	int			current;
} Dimension;

struct KeyapiCombinations
{
	KeyapiVirtualRow *row;
	const KeyapiClauses *clauses;
	int			ndimensions;
	Dimension	dimensions[KEYAPI_MAX_PARAMS];	/* slowest first */
	ExprState  *filter;			/* clauses on several parameters, or NULL */
};

/* ---------------------------------------------------------------------
 * Preparation
 * ---------------------------------------------------------------------
 */

static KeyapiTextSet
domain_set(const char *const *domain)
{
	KeyapiTextSet set = {0, NULL};

	while (domain[set.n] != NULL)
		set.n++;
	set.texts = palloc(sizeof(char *) * Max(set.n, 1));
	memcpy(set.texts, domain, sizeof(char *) * set.n);
	return set;
}

bool
keyapi_dimension_of_options(KeyapiDimension *dimension,
							const KeyapiClauses *clauses, int param)
{
	const KeyapiParamOptions *options = &clauses->table->options->params[param];
	bool		restricted = (clauses->restricted & KEYAPI_PARAM_BIT(param)) != 0;

	memset(dimension, 0, sizeof(*dimension));
	dimension->param = param;
	if (!restricted && options->kind == KEYAPI_DEFAULT_VALUE)
	{
		dimension->fixed.n = 1;
		dimension->fixed.texts = palloc(sizeof(char *));
		dimension->fixed.texts[0] = options->value;
		return true;
	}
	if (options->domain != NULL &&
		(restricted || options->kind == KEYAPI_DEFAULT_ALL))
	{
		dimension->fixed = domain_set(options->domain);
		return true;
	}
	return false;
}

/*
 * Whether a clause gave the dimension its values, so that each of them satisfies
 * it.  To evaluate "= ANY (array)" for each would search the array as often as
 * it is long.
 */
static bool
is_exact_source(const KeyapiDimension *dimension, const KeyapiClause *clause)
{
	return dimension->source != NULL &&
		clause->sources.params[dimension->param]->exact;
}

/*
 * The filters on a parameter alone or, without a dimension, on several.
 */
static ExprState *
init_filter(KeyapiVirtualRow *row, List *filters,
			const KeyapiDimension *dimension)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, filters)
	{
		const KeyapiClause *clause = lfirst(lc);
		uint32		params = clause->use.params;
		bool		single = (params & (params - 1)) == 0;

		if (dimension == NULL ? !single :
			params == KEYAPI_PARAM_BIT(dimension->param) &&
			!is_exact_source(dimension, clause))
			quals = lappend(quals, clause->expr);
	}
	return quals == NIL ? NULL : keyapi_virtual_row_qual(row, quals);
}

KeyapiCombinations *
keyapi_combinations(KeyapiVirtualRow *row, const KeyapiClauses *clauses,
					const KeyapiDimension *dimensions, int ndimensions,
					List *filters)
{
	KeyapiCombinations *combinations = palloc0(sizeof(KeyapiCombinations));

	combinations->row = row;
	combinations->clauses = clauses;
	combinations->ndimensions = ndimensions;
	for (int i = 0; i < ndimensions; i++)
	{
		Dimension  *dimension = &combinations->dimensions[i];

		dimension->given = dimensions[i];
		if (dimensions[i].source != NULL)
			keyapi_source_prepare(dimensions[i].source, row);
		dimension->filter = init_filter(row, filters, &dimensions[i]);
	}
	if (ndimensions == clauses->table->endpoint->nparams)
		combinations->filter = init_filter(row, filters, NULL);
	return combinations;
}

/* ---------------------------------------------------------------------
 * Evaluation
 * ---------------------------------------------------------------------
 */

static int
compare_values(const void *a, const void *b, void *arg)
{
	return ApplySortComparator(((const ParamValue *) a)->datum, false,
							   ((const ParamValue *) b)->datum, false, arg);
}

static void
sort_dimension(Dimension *dimension)
{
	SortSupportData sort = {
		.ssup_cxt = CurrentMemoryContext,
		.ssup_collation = dimension->given.key->collation,
	};

	PrepareSortSupportFromOrderingOp(dimension->given.key->operator, &sort);
	qsort_arg(dimension->values, dimension->nvalues, sizeof(ParamValue),
			  compare_values, &sort);
}

/*
 * Set a value in the row; false if the column's type cannot hold it, so that no
 * row has it.
 */
static bool
set_value(ParamValue *value, const KeyapiDimension *dimension,
		  KeyapiVirtualRow *row)
{
	value->datum = (Datum) 0;
	if (!dimension->in_row)
		return true;
	if (!keyapi_virtual_row_param_datum(row, dimension->param, value->text,
										dimension->required, &value->datum))
		return false;
	keyapi_virtual_row_set_param(row, dimension->param, value->datum);
	return true;
}

/*
 * Find the values of a parameter that pass the clauses on it alone.
 */
static void
fill_dimension(Dimension *dimension, KeyapiVirtualRow *row)
{
	KeyapiTextSet set = dimension->given.fixed;

	if (dimension->given.source != NULL)
		set = keyapi_source_texts(dimension->given.source, row);
	dimension->values = palloc(sizeof(ParamValue) * Max(set.n, 1));
	for (int i = 0; i < set.n; i++)
	{
		ParamValue *value = &dimension->values[dimension->nvalues];

		/* there may be very many, each with clauses to evaluate */
		CHECK_FOR_INTERRUPTS();
		value->text = set.texts[i];
		value->used = false;
		if (set_value(value, &dimension->given, row) &&
			(dimension->filter == NULL ||
			 keyapi_virtual_row_satisfies(row, dimension->filter)))
			dimension->nvalues++;
		keyapi_virtual_row_reset(row);
	}
	if (dimension->given.key != NULL)
		sort_dimension(dimension);
}

/*
 * Whether the combination at hand passes the clauses on several parameters.
 */
static bool
combination_passes(KeyapiCombinations *combinations)
{
	bool		result;

	if (combinations->filter == NULL)
		return true;
	for (int i = 0; i < combinations->ndimensions; i++)
	{
		Dimension  *dimension = &combinations->dimensions[i];

		if (dimension->given.in_row)
			keyapi_virtual_row_set_param(combinations->row,
										 dimension->given.param,
										 dimension->values[dimension->current].datum);
	}
	result = keyapi_virtual_row_satisfies(combinations->row, combinations->filter);
	keyapi_virtual_row_reset(combinations->row);
	return result;
}

/*
 * Go to the next combination, the last dimension first; false after the last.
 */
static bool
next_combination(KeyapiCombinations *combinations)
{
	for (int i = combinations->ndimensions - 1; i >= 0; i--)
	{
		Dimension  *dimension = &combinations->dimensions[i];

		if (++dimension->current < dimension->nvalues)
			return true;
		dimension->current = 0;
	}
	return false;
}

/*
 * Evaluate the dimensions, and stand at the first combination; false if there
 * is none.  *product is the number of combinations.
 */
static bool
first_combination(KeyapiCombinations *combinations, double *product)
{
	*product = 1;
	for (int i = 0; i < combinations->ndimensions; i++)
	{
		Dimension  *dimension = &combinations->dimensions[i];

		dimension->nvalues = 0;
		dimension->current = 0;
		if (*product > 0 && !combinations->clauses->contradiction)
			fill_dimension(dimension, combinations->row);
		*product *= dimension->nvalues;
	}
	return *product > 0;
}

static void
use_combination(KeyapiCombinations *combinations)
{
	for (int i = 0; i < combinations->ndimensions; i++)
	{
		Dimension  *dimension = &combinations->dimensions[i];

		dimension->values[dimension->current].used = true;
	}
}

/*
 * Count the combinations that pass the filter, from the current one on, and
 * mark what they use.
 */
static double
count_combinations(KeyapiCombinations *combinations)
{
	double		count = 0;

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (!combination_passes(combinations))
			continue;
		use_combination(combinations);
		count++;
	} while (next_combination(combinations));
	return count;
}

double
keyapi_combinations_survey(KeyapiCombinations *combinations, bool *known,
						   KeyapiTextSet *values)
{
	double		product;
	double		count = 0;
	bool		independent = combinations->filter == NULL;

	if (first_combination(combinations, &product))
		count = independent ? product : count_combinations(combinations);
	for (int i = 0; i < combinations->ndimensions; i++)
	{
		Dimension  *dimension = &combinations->dimensions[i];
		KeyapiTextSet *set = &values[dimension->given.param];

		known[dimension->given.param] = true;
		set->texts = palloc(sizeof(char *) * Max(dimension->nvalues, 1));
		for (int j = 0; j < dimension->nvalues; j++)
		{
			if (independent || dimension->values[j].used)
				set->texts[set->n++] = dimension->values[j].text;
		}
	}
	return count;
}

KeyapiListing *
keyapi_combinations_lists(KeyapiCombinations *combinations, int *nlists)
{
	double		product;
	KeyapiListing *lists;

	*nlists = 0;
	if (!first_combination(combinations, &product))
		return NULL;
	if (product * sizeof(KeyapiListing) > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("query asks for too many lists (%.0f)", product)));
	lists = palloc0(sizeof(KeyapiListing) * (size_t) product);
	do
	{
		KeyapiListing *list = &lists[*nlists];

		CHECK_FOR_INTERRUPTS();
		if (!combination_passes(combinations))
			continue;
		list->endpoint = combinations->clauses->table->endpoint;
		list->page_size = combinations->clauses->table->options->page_size;
		for (int i = 0; i < combinations->ndimensions; i++)
		{
			Dimension  *dimension = &combinations->dimensions[i];

			list->values[dimension->given.param] =
				dimension->values[dimension->current].text;
		}
		(*nlists)++;
	} while (next_combination(combinations));
	return lists;
}
