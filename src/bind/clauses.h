/*-------------------------------------------------------------------------
 *
 * clauses.h
 *	  The clauses of a scan, analysed once: what each uses, where the values of
 *	  parameters and ranks come from, which parameters are restricted.
 *
 *	  Planner, EXPLAIN, ANALYZE and executor make one KeyapiClauses for a set of
 *	  clauses and derive everything else from it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CLAUSES_H
#define KEYAPI_CLAUSES_H

#include "compat.h"

#include "nodes/pg_list.h"

#include "bind/clause.h"
#include "bind/restriction_marks.h"
#include "bind/scan_table.h"
#include "bind/source.h"

/* One clause. */
typedef struct KeyapiClause
{
	Node	   *expr;
	KeyapiClauseUse use;
	KeyapiSources sources;		/* by this clause alone */
} KeyapiClause;

/* The clauses of a scan, implicitly ANDed. */
typedef struct KeyapiClauses
{
	const KeyapiScanTable *table;
	const KeyapiRestrictions *restrictions; /* of the rest of the query, or
											 * NULL */
	List	   *exprs;			/* the clauses as they were given */
	KeyapiClause *items;		/* ditto, in the same order */
	int			nitems;
	KeyapiSources sources;		/* by all clauses together */
	uint32		own;			/* parameters that the clauses restrict */
	uint32		restricted;		/* parameters that the clauses or the rest of
								 * the query restrict */
	bool		contradiction;	/* a clause is constantly not true */
} KeyapiClauses;

/*
 * Analyse the clauses of a scan, given what the rest of the query restricts
 * (NULL: nothing).  Palloc'd; what it is given must live as long.  At run time,
 * external parameters must have been folded into the clauses and restrictions
 * (keyapi_fold).
 */
extern KeyapiClauses *keyapi_clauses(const KeyapiScanTable *table, List *exprs,
									 const KeyapiRestrictions *restrictions);

/*
 * Whether a clause can be evaluated on a row of which only the parameters are
 * known.  It may raise an error for a list that the other clauses exclude, as
 * "100 / (period - 7) > 0" does.  So it may on an ordinary table that holds all
 * lists: nothing says which clause is evaluated first.
 */
extern bool keyapi_is_param_clause(const KeyapiClause *clause);

#endif							/* KEYAPI_CLAUSES_H */
