/*-------------------------------------------------------------------------
 *
 * restriction_marks.h
 *	  What restricts a scan's parameters besides the scan's own clauses, in a
 *	  form that a plan can carry from the planner to the executor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_MARKS_H
#define KEYAPI_RESTRICTION_MARKS_H

#include "compat.h"

#include "nodes/pg_list.h"

#include "bind/clause.h"

/*
 * Why a parameter is restricted: what the error says if nothing names its values.
 * unbound.c has the words.
 */
typedef enum KeyapiReason
{
	KEYAPI_REASON_NONE,			/* it is not, and has no default */
	KEYAPI_REASON_CLAUSE,		/* a condition on the table alone */
	KEYAPI_REASON_TYPE,			/* ditto, but its column's type has another
								 * equality than text */
	KEYAPI_REASON_COLLATION,	/* ... or its collation has */
	KEYAPI_REASON_BOUND,		/* the partition's bound */
	KEYAPI_REASON_JOIN,
	KEYAPI_REASON_ANTI_JOIN,
	KEYAPI_REASON_PEERS,		/* compared with tables of other defaults */

	/* a condition outside of a query block that has this */
	KEYAPI_REASON_LIMIT,
	KEYAPI_REASON_DISTINCT,
	KEYAPI_REASON_WINDOW,
	KEYAPI_REASON_AGGREGATE,	/* and what is in HAVING */
	KEYAPI_REASON_SET_OPERATION,

	/* ... that is this */
	KEYAPI_REASON_CTE,
	KEYAPI_REASON_SUBLINK,
	KEYAPI_REASON_SUBQUERY,
	KEYAPI_REASON_COUNT			/* not a reason */
} KeyapiReason;

/*
 * Joins, enclosing query blocks and the like.  Sets of parameters are made of
 * KEYAPI_PARAM_BITs.
 */
typedef struct KeyapiRestrictions
{
	/* Parameters restricted whatever the values of external parameters */
	uint32		certain;

	/*
	 * Clauses that restrict parameters unless external parameters ($1) make
	 * them fold to true.  In them, marks stand for the parameters; the rest
	 * of the query is gone.  One with a mark for data restricts nothing; that
	 * is the condition of an anti join.
	 */
	List	   *clauses;

	/*
	 * Parameters that are only compared with those of other foreign tables
	 * whose defaults differ: without another restriction they have no
	 * default.
	 */
	uint32		conflicts;

	/*
	 * Parameters that the partition's bound restricts, and no other clause of
	 * the scan
	 */
	uint32		bounded;

	/* Why each of certain and clauses restricts a parameter, by parameter */
	KeyapiReason reasons[KEYAPI_MAX_PARAMS];

	/* Parameters restricted by a join; the executor does not need it */
	uint32		joined;

	/* Why what is added next restricts; only while they are collected */
	KeyapiReason reason;
} KeyapiRestrictions;

/*
 * Add parameters that are restricted for certain, or by a clause that marks them
 * and that external parameters may fold to true.  The reason is
 * restrictions->reason.  The first reason is kept, but one that is certain wins.
 */
extern void keyapi_restrict(KeyapiRestrictions *restrictions, uint32 params);
extern void keyapi_restrict_by(KeyapiRestrictions *restrictions, Node *clause,
							   uint32 params);

/*
 * A mark: a Var that stands for these parameters (and KEYAPI_DATA_BIT), with the
 * type of the expression that it replaces.  With no parameters, it stands for
 * something that the executor need not know.
 */
extern Var *keyapi_mark_var(uint32 params, Node *original);

/* A KeyapiVarParams for marks; arg is ignored. */
extern uint32 keyapi_mark_var_params(Var *var, void *arg);

/*
 * The parameters that these restrict.  At plan time, clauses that may still fold
 * to true count.  At run time, external parameters must have been folded into
 * them, so that a generic plan restricts what a custom one does.
 */
extern uint32 keyapi_restricted_elsewhere(const KeyapiRestrictions *restrictions);

#endif							/* KEYAPI_RESTRICTION_MARKS_H */
