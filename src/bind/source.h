/*-------------------------------------------------------------------------
 *
 * source.h
 *	  Where the values of a column come from: the comparisons in a clause, as
 *	  a tree of sources.
 *
 * Nothing in here evaluates anything: see source_values.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SOURCE_H
#define KEYAPI_SOURCE_H

#include "compat.h"

#include "nodes/primnodes.h"

#include "bind/scan_table.h"

/*
 * A source gives a superset of the values of a column that satisfy a clause.
 */
typedef enum KeyapiSourceKind
{
	KEYAPI_SOURCE_OPEN,			/* nothing bounds the column */
	KEYAPI_SOURCE_NONE,			/* no value satisfies the clause */
	KEYAPI_SOURCE_VALUE,		/* column OP value */
	KEYAPI_SOURCE_ARRAY,		/* column OP ANY (value) */
	KEYAPI_SOURCE_AND,
	KEYAPI_SOURCE_OR
} KeyapiSourceKind;

typedef struct KeyapiSource
{
	KeyapiSourceKind kind;
	bool		may_vanish;		/* bounds the column unless the clause folds
								 * to true once external parameters are known */
	bool		exact;			/* each of its values satisfies the clause */
	bool		is_like;		/* LIKE, whose pattern may have wildcards yet */
	bool		of_page;		/* compares the page, not the column asked for */
	int			strategy;		/* BTLessStrategyNumber, ...;
								 * KEYAPI_SOURCE_VALUE and KEYAPI_SOURCE_ARRAY
								 * only */
	Expr	   *value;			/* ditto; has no Var of the scan */
	List	   *args;			/* KEYAPI_SOURCE_AND, KEYAPI_SOURCE_OR */
	struct ExprState *state;	/* of value: see source_values.h */
} KeyapiSource;

/* The sources of all columns that say which lists and ranks a scan reads. */
typedef struct KeyapiSources
{
	KeyapiSource *params[KEYAPI_MAX_PARAMS];	/* by parameter; never NULL */
	KeyapiSource *ranks;		/* ditto */
} KeyapiSources;

/*
 * The source of a parameter's values that satisfy a clause; palloc'd, never NULL.
 *
 * For a parameter without a domain, only equality counts, under a deterministic
 * collation: as text, and of char(n) and enums, which tell values apart as texts
 * do.  For one with a domain, equality of integers counts too: such a source
 * tells how many values there can be and need not be evaluated.
 */
extern KeyapiSource *keyapi_param_source(Node *clause,
										 const KeyapiScanTable *table,
										 int param);

/*
 * Whether equality in the type of a parameter's column, which must exist, can name
 * its values.  Otherwise the source of every clause is open.
 */
extern bool keyapi_param_is_comparable(const KeyapiScanTable *table, int param);

/*
 * The source of the ranks that satisfy a clause, by comparisons of rank and page
 * with numbers; palloc'd, never NULL.
 */
extern KeyapiSource *keyapi_rank_source(Node *clause,
										const KeyapiScanTable *table);

/*
 * The source of what a list of sources has in common; palloc'd, but may share
 * their parts.  KEYAPI_SOURCE_OPEN if the list is NIL.
 */
extern KeyapiSource *keyapi_source_and(List *sources);

#endif							/* KEYAPI_SOURCE_H */
