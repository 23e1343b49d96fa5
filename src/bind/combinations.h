/*-------------------------------------------------------------------------
 *
 * combinations.h
 *	  Which lists can hold rows that satisfy a set of clauses.
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
 * Candidates for the lists to read: the combinations of the parameters' values,
 * each checked by the clauses on parameters alone.
 */
typedef struct KeyapiCombinations KeyapiCombinations;

/*
 * Prepare the combinations for a set of clauses, in CurrentMemoryContext.
 *
 * A parameter that the query does not restrict has its default; one without
 * raises 0A000.  So does a restricted parameter that neither a domain nor the
 * clauses bound.
 *
 * With constants_only, nothing is raised and only constants count: parameters
 * whose values cannot be known stay unknown.
 */
extern KeyapiCombinations *keyapi_combinations(KeyapiVirtualRow *row,
											   const KeyapiClauses *clauses,
											   const KeyapiOrder *order,
											   bool constants_only);

/*
 * The lists, with the row's parameters of the moment, palloc'd; sorted by the
 * order, NULL for none.
 */
extern KeyapiListing *keyapi_combinations_lists(KeyapiCombinations *combinations,
												int *nlists);

/*
 * The number of combinations of the parameters whose values are known, and
 * which values occur in them; the other parameters' known and values are left
 * alone.  Both arrays are by parameter.  With constants_only.
 */
extern double keyapi_combinations_survey(KeyapiCombinations *combinations,
										 bool *known, KeyapiTextSet *values);

#endif							/* KEYAPI_COMBINATIONS_H */
