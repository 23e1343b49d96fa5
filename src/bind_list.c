/*-------------------------------------------------------------------------
 *
 * bind_list.c
 *	  Values of each parameter -> combinations that pass the clauses.
 *
 *-------------------------------------------------------------------------
 */
#include "bind_list.h"

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
} Candidate;

/* One parameter: where its values come from, and what filters them. */
typedef struct Dimension
{
	int			param;
	KeyapiTextSet fixed;		/* default or domain; unless there is a source */
	KeyapiSource *source;
	ExprState  *filter;			/* clauses on this parameter alone, or NULL */
	const KeyapiOrderKey *key;	/* or NULL */

	/* of the current evaluation */
	int			n;
	Candidate  *candidates;
	int			current;
} Dimension;

struct KeyapiCandidates
{
	KeyapiVirtualRow *row;
	const KeyapiScanColumns *columns;
	const KeyapiTableOptions *options;
	bool		contradiction;	/* a clause is constantly not true */
	bool		unknown[KEYAPI_MAX_PARAMS]; /* constants_only */
	int			ndimensions;
	Dimension	dimensions[KEYAPI_MAX_PARAMS];	/* slowest first */
	ExprState  *filter;			/* clauses on several parameters, or NULL */
};

char *
keyapi_unbound_message(const char *relname, const KeyapiParam *param,
					   bool mentioned)
{
	const char *name = param->name;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, mentioned ?
					 "query restricts \"%s\" of foreign table \"%s\", but does not say to which values: " :
					 "query must say which \"%s\" of foreign table \"%s\" it wants: ",
					 name, relname);
	appendStringInfo(&buf,
					 "write %s = ..., %s IN (...) or %s = ANY (ARRAY(SELECT ...))",
					 name, name, name);
	if (mentioned && param->domain_option != NULL)
		appendStringInfo(&buf, ", or set the table's option \"%s\"",
						 param->domain_option);
	return buf.data;
}

void
keyapi_unbound_error(Relation rel, const KeyapiParam *param, bool mentioned)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg_internal("%s",
							 keyapi_unbound_message(RelationGetRelationName(rel),
													param, mentioned)),
			 errdetail("The API needs to be asked for each list by name, and nothing was asked for."),
			 errhint("Joins count if they can be read as %s = value for each row of the other side.",
					 param->name)));
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

/*
 * Set up where the values of a parameter come from; false if that is unknown.
 */
static bool
init_values(Dimension *dimension, KeyapiCandidates *candidates, Relation rel,
			List *clauses, bool mentioned, bool constants_only)
{
	int			param = dimension->param;
	const KeyapiParam *definition = &candidates->options->endpoint->params[param];
	const KeyapiParamOptions *options = &candidates->options->params[param];

	if (!mentioned && options->kind == KEYAPI_DEFAULT_VALUE)
	{
		dimension->fixed.n = 1;
		dimension->fixed.texts = palloc(sizeof(char *));
		dimension->fixed.texts[0] = options->value;
		return true;
	}
	if (options->domain != NULL &&
		(mentioned || options->kind == KEYAPI_DEFAULT_ALL))
	{
		dimension->fixed = domain_set(options->domain);
		return true;
	}
	if (mentioned)
	{
		dimension->source = keyapi_param_source(clauses, candidates->columns,
												param);
		if (constants_only ? keyapi_source_is_constant(dimension->source) :
			dimension->source->kind != KEYAPI_SOURCE_OPEN)
		{
			keyapi_source_prepare(dimension->source, candidates->row);
			return true;
		}
	}
	if (!constants_only)
		keyapi_unbound_error(rel, definition, mentioned);
	return false;
}

/*
 * Whether a clause can be evaluated on a row of which only the parameters are
 * known.
 */
static bool
is_param_clause(Node *clause, const KeyapiClauseUse *use, bool constants_only)
{
	if (use->rank || use->data || use->foreign || !use->evaluable)
		return false;
	return !constants_only ||
		(!use->external && !use->internal && !contain_mutable_functions(clause));
}

/*
 * The clauses that are about parameters alone: about this one alone, or with
 * param < 0, about several.
 */
static ExprState *
init_filter(KeyapiCandidates *candidates, List *clauses, int param,
			bool constants_only)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Node	   *clause = lfirst(lc);
		KeyapiClauseUse use = keyapi_clause_use(clause, candidates->columns);
		bool		single = (use.params & (use.params - 1)) == 0;

		if (!is_param_clause(clause, &use, constants_only) || use.params == 0)
			continue;
		if (param >= 0 ? use.params == KEYAPI_PARAM_BIT(param) : !single)
			quals = lappend(quals, clause);
	}
	return quals == NIL ? NULL : keyapi_row_qual(candidates->row, quals);
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

KeyapiCandidates *
keyapi_candidates(KeyapiVirtualRow *row, Relation rel,
				  const KeyapiScanColumns *columns,
				  const KeyapiTableOptions *options,
				  List *clauses, uint32 mentioned,
				  const KeyapiOrder *order, bool constants_only)
{
	KeyapiCandidates *candidates = palloc0(sizeof(KeyapiCandidates));
	uint32		taken = 0;

	candidates->row = row;
	candidates->columns = columns;
	candidates->options = options;
	candidates->contradiction = is_contradiction(clauses);
	for (int i = 0; i < options->endpoint->nparams; i++)
	{
		Dimension  *dimension = &candidates->dimensions[candidates->ndimensions];
		int			param = dimension_param(order, i, taken, &dimension->key);

		taken |= KEYAPI_PARAM_BIT(param);
		dimension->param = param;
		if (init_values(dimension, candidates, rel, clauses,
						(mentioned & KEYAPI_PARAM_BIT(param)) != 0,
						constants_only))
		{
			dimension->filter = init_filter(candidates, clauses, param,
											constants_only);
			candidates->ndimensions++;
		}
		else
		{
			memset(dimension, 0, sizeof(Dimension));
			candidates->unknown[param] = true;
		}
	}
	if (candidates->ndimensions == options->endpoint->nparams)
		candidates->filter = init_filter(candidates, clauses, -1,
										 constants_only);
	return candidates;
}

/* ---------------------------------------------------------------------
 * Evaluation
 * ---------------------------------------------------------------------
 */

static int
compare_candidates(const void *a, const void *b, void *arg)
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
	qsort_arg(dimension->candidates, dimension->n, sizeof(Candidate),
			  compare_candidates, &sort);
}

/*
 * Find the values of a parameter that pass the clauses on it alone.
 */
static void
fill_dimension(Dimension *dimension, KeyapiCandidates *candidates)
{
	KeyapiVirtualRow *row = candidates->row;
	int			param = dimension->param;
	bool		has_column = candidates->columns->params[param] != 0;
	KeyapiTextSet set = dimension->fixed;

	if (dimension->source != NULL)
		set = keyapi_source_texts(dimension->source, row);
	dimension->n = 0;
	dimension->candidates = palloc(sizeof(Candidate) * Max(set.n, 1));
	for (int i = 0; i < set.n; i++)
	{
		Candidate  *candidate = &dimension->candidates[dimension->n];

		/* the clause that named a thousand values is evaluated for each */
		CHECK_FOR_INTERRUPTS();
		candidate->text = set.texts[i];
		if (has_column)
		{
			/* without clauses on it, nobody looks at the value */
			if (dimension->filter == NULL && candidates->filter == NULL &&
				dimension->key == NULL)
				candidate->datum = (Datum) 0;
			else
			{
				if (!keyapi_row_param_datum(row, param, candidate->text,
											&candidate->datum))
					continue;
				keyapi_row_set_param(row, param, candidate->datum);
			}
		}
		if (dimension->filter == NULL ||
			keyapi_row_satisfies(row, dimension->filter))
			dimension->n++;
		keyapi_row_reset(row);
	}
	if (dimension->key != NULL)
		sort_dimension(dimension);
}

/*
 * Whether the combination at hand passes the clauses on several parameters.
 */
static bool
combination_passes(KeyapiCandidates *candidates)
{
	bool		result;

	if (candidates->filter == NULL)
		return true;
	for (int i = 0; i < candidates->ndimensions; i++)
	{
		Dimension  *dimension = &candidates->dimensions[i];

		keyapi_row_set_param(candidates->row, dimension->param,
							 dimension->candidates[dimension->current].datum);
	}
	result = keyapi_row_satisfies(candidates->row, candidates->filter);
	keyapi_row_reset(candidates->row);
	return result;
}

/*
 * Go to the next combination, the last dimension first; false after the last.
 */
static bool
next_combination(KeyapiCandidates *candidates)
{
	for (int i = candidates->ndimensions - 1; i >= 0; i--)
	{
		Dimension  *dimension = &candidates->dimensions[i];

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
first_combination(KeyapiCandidates *candidates, double *product)
{
	*product = 1;
	for (int i = 0; i < candidates->ndimensions; i++)
	{
		Dimension  *dimension = &candidates->dimensions[i];

		dimension->n = 0;
		dimension->current = 0;
		if (*product > 0 && !candidates->contradiction)
			fill_dimension(dimension, candidates);
		*product *= dimension->n;
	}
	if (*product * sizeof(KeyapiList) > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("query asks for %.0f lists", *product)));
	return *product > 0;
}

KeyapiList *
keyapi_candidates_lists(KeyapiCandidates *candidates, int *nlists)
{
	double		product;
	KeyapiList *lists;

	*nlists = 0;
	if (!first_combination(candidates, &product))
		return NULL;
	lists = palloc0(sizeof(KeyapiList) * (size_t) product);
	do
	{
		KeyapiList *list = &lists[*nlists];

		CHECK_FOR_INTERRUPTS();
		if (!combination_passes(candidates))
			continue;
		list->endpoint = candidates->options->endpoint;
		list->page_size = candidates->options->page_size;
		for (int i = 0; i < candidates->ndimensions; i++)
		{
			Dimension  *dimension = &candidates->dimensions[i];

			list->values[dimension->param] =
				dimension->candidates[dimension->current].text;
		}
		(*nlists)++;
	} while (next_combination(candidates));
	return lists;
}

/* ---------------------------------------------------------------------
 * Outlook
 * ---------------------------------------------------------------------
 */

/*
 * The values of a parameter that occur in the lists.
 */
static KeyapiTextSet
values_in_lists(const KeyapiList *lists, int nlists, int param)
{
	KeyapiTextSet set = {0, palloc(sizeof(char *) * Max(nlists, 1))};

	for (int i = 0; i < nlists; i++)
	{
		bool		found = false;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < set.n && !found; j++)
			found = set.texts[j] == lists[i].values[param];
		if (!found)
			set.texts[set.n++] = lists[i].values[param];
	}
	return set;
}

/*
 * What is known where the values of all parameters are independent.
 */
static void
outlook_on_values(KeyapiOutlook *outlook, KeyapiCandidates *candidates)
{
	double		product;

	first_combination(candidates, &product);
	outlook->max_lists = product;
	for (int i = 0; i < candidates->ndimensions; i++)
	{
		Dimension  *dimension = &candidates->dimensions[i];
		KeyapiTextSet *set = &outlook->values[dimension->param];

		outlook->known[dimension->param] = true;
		set->texts = palloc(sizeof(char *) * Max(dimension->n, 1));
		for (set->n = 0; set->n < dimension->n; set->n++)
			set->texts[set->n] = dimension->candidates[set->n].text;
	}
}

static void
outlook_on_lists(KeyapiOutlook *outlook, KeyapiCandidates *candidates)
{
	int			nlists;
	KeyapiList *lists = keyapi_candidates_lists(candidates, &nlists);

	outlook->max_lists = nlists;
	for (int i = 0; i < candidates->ndimensions; i++)
	{
		int			param = candidates->dimensions[i].param;

		outlook->known[param] = true;
		outlook->values[param] = values_in_lists(lists, nlists, param);
	}
}

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
	if (candidates->filter != NULL)
		outlook_on_lists(outlook, candidates);
	else
		outlook_on_values(outlook, candidates);

	for (int i = 0; i < nparams; i++)
		limit_by_form(outlook, keyapi_param_source(clauses, columns, i), i);
	keyapi_source_prepare_constants(ranks, row);
	outlook->ranks = keyapi_source_range(ranks, row, options->page_size);
	keyapi_virtual_row_free(row);
}
