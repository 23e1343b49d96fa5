/*-------------------------------------------------------------------------
 *
 * combinations.h
 *	  Which combinations of parameters, and so which lists, can hold rows that
 *	  satisfy a set of clauses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_COMBINATIONS_H
#define KEYAPI_COMBINATIONS_H

#include "compat.h"

#include "api/listing.h"
#include "bind/clauses.h"
#include "bind/source_values.h"
#include "bind/virtual_row.h"

/* By what the lists of a scan are sorted, in this order. */
typedef struct KeyapiOrderKey
{
	int			param;
	Oid			operator;		/* < or > of the column's type */
	bool		descending;		/* which of them */
	Oid			collation;
} KeyapiOrderKey;

typedef struct KeyapiOrder
{
	int			nkeys;
	KeyapiOrderKey keys[KEYAPI_MAX_PARAMS];
	bool		rank_major;		/* rank goes before all of them */
} KeyapiOrder;

/*
 * A parameter of the combinations, and how to get its values.  At plan time that
 * is different from run time: see preview.c and binding.c.
 */
typedef struct KeyapiDimension
{
	int			param;
	KeyapiTextSet fixed;		/* its values, if there is no source */
	KeyapiSource *source;		/* where its values come from, or NULL */
	bool		in_row;			/* filters may use it: convert its values */
	bool		required;		/* a value that its column's type cannot hold
								 * is an error; otherwise it is left out */
	const KeyapiOrderKey *key;	/* to sort its values by, or NULL */
} KeyapiDimension;

/*
 * Initialise the dimension of a parameter.  Returns whether the table's options
 * say its values, as a default or a domain; if not, they are still to be set.
 */
extern bool keyapi_dimension_of_options(KeyapiDimension *dimension,
										const KeyapiClauses *clauses,
										int param);

/*
 * The combinations of the values of several parameters, each checked by the
 * clauses on parameters alone.
 */
typedef struct KeyapiCombinations KeyapiCombinations;

/*
 * Prepare combinations, in CurrentMemoryContext.  The dimensions are copied; the
 * first one changes slowest.  filters are those of the clauses to check
 * combinations by, as a list of KeyapiClause; what uses several parameters is
 * only checked if all parameters have a dimension.
 */
extern KeyapiCombinations *keyapi_combinations(KeyapiVirtualRow *row,
											   const KeyapiClauses *clauses,
											   const KeyapiDimension *dimensions,
											   int ndimensions, List *filters);

/*
 * Evaluate, with the parent's parameters of the moment, to lists.  Needs a
 * dimension for each parameter.  Returns *nlists distinct lists, palloc'd, in the
 * order of the dimensions' keys; *nlists is 0 if there are none.  Raises what
 * evaluating the clauses raises, and 54000 if there are too many.
 */
extern KeyapiListing *keyapi_combinations_lists(KeyapiCombinations *combinations,
												int *nlists);

/*
 * Evaluate, and count: returns the number of combinations, and sets by
 * parameter which values occur in them.  known and values of parameters without
 * a dimension are left alone.
 */
extern double keyapi_combinations_survey(KeyapiCombinations *combinations,
										 bool *known, KeyapiTextSet *values);

#endif							/* KEYAPI_COMBINATIONS_H */
