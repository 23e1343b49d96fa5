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
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

#include "bind/unbound.h"

/* A value that a parameter may have. */
typedef struct Candidate
{
	const char *text;
	Datum		datum;			/* as its column has it; none without column */
	bool		used;			/* in a combination that passes */
} Candidate;

/* One parameter: where its values come from, and what filters them. */
typedef struct Dimension
{
	int			param;
	bool		restricted;		/* by the query */
	KeyapiTextSet fixed;		/* default or domain; unless there is a source */
	KeyapiSource *source;
	ExprState  *filter;			/* clauses on this parameter alone, or NULL */
	const KeyapiOrderKey *key;	/* or NULL */

	/* of the current evaluation */
	int			n;
	Candidate  *combinations;
	int			current;
} Dimension;

struct KeyapiCombinations
{
	KeyapiVirtualRow *row;
	const KeyapiClauses *clauses;
	bool		constants_only;
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

/*
 * Set up where the values of a parameter come from; false if that is unknown.
 */
static bool
init_values(Dimension *dimension, KeyapiCombinations *combinations)
{
	int			param = dimension->param;
	bool		restricted = dimension->restricted;
	const KeyapiClauses *clauses = combinations->clauses;
	const KeyapiParamOptions *options = &clauses->table->options->params[param];

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
	if (restricted)
	{
		dimension->source = clauses->sources.params[param];
		if (combinations->constants_only ?
			keyapi_source_is_constant(dimension->source) :
			dimension->source->kind != KEYAPI_SOURCE_OPEN)
		{
			keyapi_source_prepare(dimension->source, combinations->row);
			return true;
		}
	}
	if (!combinations->constants_only)
		keyapi_unbound_error(clauses->table, param, restricted,
							 restricted && (clauses->own & KEYAPI_PARAM_BIT(param)) == 0);
	return false;
}

/*
 * Whether a clause can be evaluated on a row of which only the parameters are
 * known.
 *
 * It may raise an error for a value whose list the other clauses exclude, as
 * "100 / (period - 7) > 0" does.  So it may where all lists are in an ordinary
 * table: nothing says which clause is evaluated first.
 */
static bool
is_param_clause(const KeyapiCombinations *combinations, const KeyapiClause *clause)
{
	const KeyapiClauseUse *use = &clause->use;

	if (use->params == 0 || use->rank || use->data || use->foreign ||
		!use->evaluable)
		return false;
	if (!combinations->constants_only)
		return true;
	for (int i = 0; i < combinations->clauses->table->endpoint->nparams; i++)
	{
		if ((use->params & KEYAPI_PARAM_BIT(i)) != 0 &&
			!keyapi_virtual_row_param_foreseeable(combinations->row, i))
			return false;
	}
	return !use->external && !use->internal && !contain_mutable_functions(clause->expr);
}

/*
 * Whether a clause gave the dimension its values, so that each of them satisfies
 * it: evaluated for all, the array of "= ANY (array)" would be searched as often
 * as it is long.
 */
static bool
is_exact_source(const Dimension *dimension, const KeyapiClause *clause)
{
	return dimension->source != NULL &&
		clause->sources.params[dimension->param]->exact;
}

/*
 * The clauses that are about parameters alone: about this one alone, or without
 * a dimension, about several.
 */
static ExprState *
init_filter(const KeyapiCombinations *combinations, const Dimension *dimension)
{
	List	   *quals = NIL;

	for (int i = 0; i < combinations->clauses->nitems; i++)
	{
		const KeyapiClause *clause = &combinations->clauses->items[i];
		uint32		params = clause->use.params;
		bool		single = (params & (params - 1)) == 0;

		if (!is_param_clause(combinations, clause))
			continue;
		if (dimension == NULL ? !single :
			params == KEYAPI_PARAM_BIT(dimension->param) &&
			!is_exact_source(dimension, clause))
			quals = lappend(quals, clause->expr);
	}
	return quals == NIL ? NULL : keyapi_virtual_row_qual(combinations->row, quals);
}

/*
 * The parameter of the n-th dimension: those of the order first.
 */
static int
dimension_param(const KeyapiOrder *order, int n, uint32 taken,
				const KeyapiOrderKey **key)
{
	int			param = 0;

	*key = NULL;
	if (order != NULL && n < order->nkeys)
	{
		*key = &order->keys[n];
		return (*key)->param;
	}
	while (taken & KEYAPI_PARAM_BIT(param))
		param++;
	return param;
}

KeyapiCombinations *
keyapi_combinations(KeyapiVirtualRow *row, const KeyapiClauses *clauses,
					const KeyapiOrder *order, bool constants_only)
{
	KeyapiCombinations *combinations = palloc0(sizeof(KeyapiCombinations));
	int			nparams = clauses->table->endpoint->nparams;
	uint32		taken = 0;

	combinations->row = row;
	combinations->clauses = clauses;
	combinations->constants_only = constants_only;
	for (int i = 0; i < nparams; i++)
	{
		Dimension  *dimension = &combinations->dimensions[combinations->ndimensions];
		int			param = dimension_param(order, i, taken, &dimension->key);

		taken |= KEYAPI_PARAM_BIT(param);
		dimension->param = param;
		dimension->restricted = (clauses->restricted & KEYAPI_PARAM_BIT(param)) != 0;
		if (init_values(dimension, combinations))
		{
			dimension->filter = init_filter(combinations, dimension);
			combinations->ndimensions++;
		}
		else
			memset(dimension, 0, sizeof(Dimension));
	}
	if (combinations->ndimensions == nparams)
		combinations->filter = init_filter(combinations, NULL);
	return combinations;
}

/* ---------------------------------------------------------------------
 * Evaluation
 * ---------------------------------------------------------------------
 */

static int
compare_combinations(const void *a, const void *b, void *arg)
{
	return ApplySortComparator(((const Candidate *) a)->datum, false,
							   ((const Candidate *) b)->datum, false, arg);
}

static void
sort_dimension(Dimension *dimension)
{
	SortSupportData sort = {
		.ssup_cxt = CurrentMemoryContext,
		.ssup_collation = dimension->key->collation,
	};

	PrepareSortSupportFromOrderingOp(dimension->key->operator, &sort);
	qsort_arg(dimension->combinations, dimension->n, sizeof(Candidate),
			  compare_combinations, &sort);
}

/*
 * Set the candidate's value in the row; false if the column's type cannot hold
 * it.  No condition on the parameter finds it there then; but what the query
 * means without a condition is an error to lack.
 */
static bool
set_combination(Candidate *combination, const Dimension *dimension,
				KeyapiCombinations *combinations)
{
	int			param = dimension->param;
	bool		required = !dimension->restricted && !combinations->constants_only;

	combination->datum = (Datum) 0;
	if (combinations->clauses->table->params[param] == 0 ||
		(combinations->constants_only &&
		 !keyapi_virtual_row_param_foreseeable(combinations->row, param)))
		return true;
	if (!keyapi_virtual_row_param_datum(combinations->row, param, combination->text,
										required, &combination->datum))
		return false;
	keyapi_virtual_row_set_param(combinations->row, param, combination->datum);
	return true;
}

/*
 * Find the values of a parameter that pass the clauses on it alone.
 */
static void
fill_dimension(Dimension *dimension, KeyapiCombinations *combinations)
{
	KeyapiVirtualRow *row = combinations->row;
	KeyapiTextSet set = dimension->fixed;

	if (dimension->source != NULL)
		set = keyapi_source_texts(dimension->source, row);
	dimension->n = 0;
	dimension->combinations = palloc(sizeof(Candidate) * Max(set.n, 1));
	for (int i = 0; i < set.n; i++)
	{
		Candidate  *combination = &dimension->combinations[dimension->n];

		/* there may be very many, each with clauses to evaluate */
		CHECK_FOR_INTERRUPTS();
		combination->text = set.texts[i];
		combination->used = false;
		if (set_combination(combination, dimension, combinations) &&
			(dimension->filter == NULL ||
			 keyapi_virtual_row_satisfies(row, dimension->filter)))
			dimension->n++;
		keyapi_virtual_row_reset(row);
	}
	if (dimension->key != NULL)
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

		keyapi_virtual_row_set_param(combinations->row, dimension->param,
									 dimension->combinations[dimension->current].datum);
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

		if (++dimension->current < dimension->n)
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

		dimension->n = 0;
		dimension->current = 0;
		if (*product > 0 && !combinations->clauses->contradiction)
			fill_dimension(dimension, combinations);
		*product *= dimension->n;
	}
	return *product > 0;
}

static void
use_combination(KeyapiCombinations *combinations)
{
	for (int i = 0; i < combinations->ndimensions; i++)
	{
		Dimension  *dimension = &combinations->dimensions[i];

		dimension->combinations[dimension->current].used = true;
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
		KeyapiTextSet *set = &values[dimension->param];

		known[dimension->param] = true;
		set->texts = palloc(sizeof(char *) * Max(dimension->n, 1));
		for (int j = 0; j < dimension->n; j++)
		{
			if (independent || dimension->combinations[j].used)
				set->texts[set->n++] = dimension->combinations[j].text;
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

			list->values[dimension->param] =
				dimension->combinations[dimension->current].text;
		}
		(*nlists)++;
	} while (next_combination(combinations));
	return lists;
}
