/*-------------------------------------------------------------------------
 *
 * clause.h
 *	  What expression trees say of parameters, ranks and pages.
 *
 * The only room that takes expressions apart.  Nothing in here evaluates
 * anything: see source_values.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CLAUSE_H
#define KEYAPI_CLAUSE_H

#include "compat.h"

#include "nodes/params.h"
#include "nodes/primnodes.h"
#include "utils/rel.h"

#include "api/endpoint.h"

/* Which columns of a scan's relation say which list, rank and page. */
typedef struct KeyapiScanColumns
{
	Index		varno;			/* of the relation in the expressions */
	const KeyapiEndpoint *endpoint;
	AttrNumber	params[KEYAPI_MAX_PARAMS];	/* 0: has no such column */
	AttrNumber	rank;			/* or 0 */
	AttrNumber	page;			/* or 0 */
} KeyapiScanColumns;

/*
 * The columns of a foreign table whose Vars have this varno.
 */
extern void keyapi_scan_columns(KeyapiScanColumns *columns, Relation rel,
								Index varno, const KeyapiEndpoint *endpoint);

/*
 * The bounds of a table that is a partition, as an implicitly ANDed list of
 * clauses on Vars with this varno; NIL if it is none.
 */
extern List *keyapi_partition_bounds(Relation rel, Index varno);

/*
 * Sets of parameters are bit masks: bit i is parameter i of the endpoint.
 */
#define KEYAPI_PARAM_BIT(param) (1U << (param))

/*
 * Which parameters a Var stands for; arg is the caller's.
 */
typedef uint32 (*KeyapiVarParams) (Var *var, void *arg);

/* A KeyapiVarParams for the Vars of a scan; arg is its KeyapiScanColumns. */
extern uint32 keyapi_scan_var_params(Var *var, void *arg);

/*
 * The parameters that an expression restricts, as far as it mentions them:
 * IS NOT NULL and NOT EXISTS mention nothing.  Only Vars of the expression's own
 * query level are shown to var_params, also from within SubLinks.
 */
extern uint32 keyapi_params_in(Node *expr, KeyapiVarParams var_params,
							   void *arg);

/* What a clause depends on. */
typedef struct KeyapiClauseUse
{
	uint32		params;			/* parameter columns of the scan */
	bool		rank;			/* its rank or page column */
	bool		data;			/* any other column of the scan */
	bool		foreign;		/* Vars of other relations */
	bool		external;		/* external Params ($1) */
	bool		internal;		/* the executor's Params */
	bool		evaluable;		/* neither volatile functions nor subplans */
} KeyapiClauseUse;

extern KeyapiClauseUse keyapi_clause_use(Node *clause,
										 const KeyapiScanColumns *columns);

/*
 * Whether a clause raises no error, whatever the values of its Vars.
 */
extern bool keyapi_cannot_fail(Node *clause);

/*
 * Where the values of a column come from that satisfy a clause: a superset of
 * them, as a tree.
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

/*
 * The source of a parameter's values in an implicitly ANDed list of clauses.
 *
 * For a parameter without a domain, only equality as text under a deterministic
 * collation counts.  For one with a domain, equality of integers too:
 * such a source tells how many values there can be, it need not be evaluated.
 */
extern KeyapiSource *keyapi_param_source(List *clauses,
										 const KeyapiScanColumns *columns,
										 int param);

/*
 * The source of the scan's ranks: comparisons of rank and page with numbers.
 */
extern KeyapiSource *keyapi_rank_source(List *clauses,
										const KeyapiScanColumns *columns);

/*
 * Fold the values of external parameters into an implicitly ANDed list of
 * clauses and simplify it.  Parameters of the executor stay.  The result is new,
 * in CurrentMemoryContext; a contradiction is a constant.
 */
extern List *keyapi_fold(List *clauses, ParamListInfo params);

#endif							/* KEYAPI_CLAUSE_H */
