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
	const KeyapiScanColumns *columns;
	const KeyapiTableOptions *options;
	bool		contradiction;	/* a clause is constantly not true */
	bool		constants_only;
	int			ndimensions;
	Dimension	dimensions[KEYAPI_MAX_PARAMS];	/* slowest first */
	ExprState  *filter;			/* clauses on several parameters, or NULL */
};

char *
keyapi_unbound_message(const char *relname, const KeyapiParam *param,
					   bool restricted)
{
	const char *name = param->name;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, restricted ?
					 "query restricts \"%s\" of foreign table \"%s\", but does not say to which values: " :
					 "query must say which \"%s\" of foreign table \"%s\" it wants: ",
					 name, relname);
	appendStringInfo(&buf,
					 "write %s = ..., %s IN (...) or %s = ANY (ARRAY(SELECT ...))",
					 name, name, name);
	if (restricted && param->domain_option != NULL)
		appendStringInfo(&buf, ", or set the table's option \"%s\"",
						 param->domain_option);
	return buf.data;
}

void
keyapi_unbound_error(Relation rel, const KeyapiParam *param, bool restricted,
					 bool from_outside)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg_internal("%s",
							 keyapi_unbound_message(RelationGetRelationName(rel),
													param, restricted)),
			 errdetail("The API needs to be asked for each list by name, and nothing was asked for."),
			 from_outside ?
			 errhint("Joins count if they can be read as %s = value for each row of the other side, and conditions outside of a subquery if PostgreSQL can move them inside.",
					 param->name) : 0));
	pg_unreachable();
}

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

static bool
restricted_by(List *clauses, const KeyapiCombinations *combinations, int param)
{
	uint32		params = keyapi_params_in((Node *) clauses, keyapi_scan_var_params,
										  unconstify(KeyapiScanColumns *,
													 combinations->columns));

	return (params & KEYAPI_PARAM_BIT(param)) != 0;
}

/*
 * Set up where the values of a parameter come from; false if that is unknown.
 */
static bool
init_values(Dimension *dimension, KeyapiCombinations *combinations, Relation rel,
			List *clauses)
{
	int			param = dimension->param;
	bool		restricted = dimension->restricted;
	const KeyapiParam *definition = &combinations->options->endpoint->params[param];
	const KeyapiParamOptions *options = &combinations->options->params[param];

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
		dimension->source = keyapi_param_source(clauses, combinations->columns,
												param);
		if (combinations->constants_only ?
			keyapi_source_is_constant(dimension->source) :
			dimension->source->kind != KEYAPI_SOURCE_OPEN)
		{
			keyapi_source_prepare(dimension->source, combinations->row);
			return true;
		}
	}
	if (!combinations->constants_only)
		keyapi_unbound_error(rel, definition, restricted,
							 restricted && !restricted_by(clauses, combinations, param));
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
is_param_clause(const KeyapiCombinations *combinations, Node *clause,
				const KeyapiClauseUse *use)
{
	if (use->params == 0 || use->rank || use->data || use->foreign ||
		!use->evaluable)
		return false;
	if (!combinations->constants_only)
		return true;
	for (int i = 0; i < combinations->options->endpoint->nparams; i++)
	{
		if ((use->params & KEYAPI_PARAM_BIT(i)) != 0 &&
			!keyapi_virtual_row_param_foreseeable(combinations->row, i))
			return false;
	}
	return !use->external && !use->internal && !contain_mutable_functions(clause);
}

/*
 * Whether a clause gave the dimension its values, so that each of them satisfies
 * it: evaluated for all, the array of "= ANY (array)" would be searched as often
 * as it is long.
 */
static bool
is_exact_source(const KeyapiCombinations *combinations, const Dimension *dimension,
				Node *clause)
{
	return dimension->source != NULL &&
		keyapi_param_source(list_make1(clause), combinations->columns,
							dimension->param)->exact;
}

/*
 * The clauses that are about parameters alone: about this one alone, or without
 * a dimension, about several.
 */
static ExprState *
init_filter(KeyapiCombinations *combinations, List *clauses,
			const Dimension *dimension)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Node	   *clause = lfirst(lc);
		KeyapiClauseUse use = keyapi_clause_use(clause, combinations->columns);
		bool		single = (use.params & (use.params - 1)) == 0;

		if (!is_param_clause(combinations, clause, &use))
			continue;
		if (dimension == NULL ? !single :
			use.params == KEYAPI_PARAM_BIT(dimension->param) &&
			!is_exact_source(combinations, dimension, clause))
			quals = lappend(quals, clause);
	}
	return quals == NIL ? NULL : keyapi_virtual_row_qual(combinations->row, quals);
}

static bool
is_contradiction(List *clauses)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Const	   *clause = lfirst(lc);

		if (IsA(clause, Const) &&
			(clause->constisnull || !DatumGetBool(clause->constvalue)))
			return true;
	}
	return false;
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
keyapi_combinations(KeyapiVirtualRow *row, Relation rel,
					const KeyapiScanColumns *columns,
					const KeyapiTableOptions *options,
					List *clauses, uint32 restricted,
					const KeyapiOrder *order, bool constants_only)
{
	KeyapiCombinations *combinations = palloc0(sizeof(KeyapiCombinations));
	uint32		taken = 0;

	combinations->row = row;
	combinations->columns = columns;
	combinations->options = options;
	combinations->contradiction = is_contradiction(clauses);
	combinations->constants_only = constants_only;
	for (int i = 0; i < options->endpoint->nparams; i++)
	{
		Dimension  *dimension = &combinations->dimensions[combinations->ndimensions];
		int			param = dimension_param(order, i, taken, &dimension->key);

		taken |= KEYAPI_PARAM_BIT(param);
		dimension->param = param;
		dimension->restricted = (restricted & KEYAPI_PARAM_BIT(param)) != 0;
		if (init_values(dimension, combinations, rel, clauses))
		{
			dimension->filter = init_filter(combinations, clauses, dimension);
			combinations->ndimensions++;
		}
		else
			memset(dimension, 0, sizeof(Dimension));
	}
	if (combinations->ndimensions == options->endpoint->nparams)
		combinations->filter = init_filter(combinations, clauses, NULL);
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
	if (combinations->columns->params[param] == 0 ||
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
		if (*product > 0 && !combinations->contradiction)
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
		list->endpoint = combinations->options->endpoint;
		list->page_size = combinations->options->page_size;
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
