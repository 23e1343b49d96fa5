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

	/* Parameters restricted by a join; the executor does not need it */
	uint32		joined;
} KeyapiRestrictions;

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
