/*-------------------------------------------------------------------------
 *
 * lookalike_clauses.h
 *	  Which clauses of a scan compare a column that people take for a parameter.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LOOKALIKE_CLAUSES_H
#define KEYAPI_LOOKALIKE_CLAUSES_H

#include "compat.h"

#include "bind/clauses.h"

/* Such clauses, and what to say of them. */
typedef struct KeyapiLookalike
{
	List	   *clauses;		/* implicitly ANDed */
	const char *column;			/* that the first of them compares */
	const char *param;			/* that it looks like */
	const char *value;			/* the default of that parameter */
	const char *item;			/* what the endpoint calls a row */
} KeyapiLookalike;

/*
 * Find the clauses on columns that look like one parameter, where that parameter
 * has a single value as its default, and nothing restricts it.  Only clauses whose
 * evaluation for a row raises nothing that the executor would not raise for it.
 * False if there are none; *lookalike is undefined then.
 */
extern bool keyapi_lookalike_clauses(KeyapiLookalike *lookalike,
									 const KeyapiClauses *clauses);

#endif							/* KEYAPI_LOOKALIKE_CLAUSES_H */
