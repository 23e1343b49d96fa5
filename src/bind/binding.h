/*-------------------------------------------------------------------------
 *
 * binding.h
 *	  Run-time side of the binding: from the clauses of a plan and the values
 *	  of its parameters to the lists and ranks that a scan reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_BINDING_H
#define KEYAPI_BINDING_H

#include "compat.h"

#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "api/listing.h"
#include "bind/lookalike_clauses.h"
#include "options/option.h"

typedef struct KeyapiBinding KeyapiBinding;

/*
 * What a scan is to read: what one evaluation of the binding comes to.
 */
typedef struct KeyapiBound
{
	KeyapiBinding *binding;		/* that was evaluated */
	const KeyapiListing *lists; /* distinct, in the order the plan promised */
	int			nlists;			/* 0: no rows, no request */
	bool		rank_major;		/* row 1 of each list, then row 2, ...;
								 * otherwise list after list */
	int64		lo;				/* ranks lo..hi may satisfy the clauses, 1 <=
								 * lo; */
	int64		hi;				/* ... PG_INT64_MAX: to the end; lo > hi: none */
	int			last_page;		/* ... on pages up to this one; PG_INT32_MAX:
								 * to the end */
	int64		max_rows;		/* rows after which the scan provably stops
								 * (LIMIT), or -1 */
} KeyapiBound;

/*
 * Prepare the binding of a scan node in CurrentMemoryContext (BeginForeignScan;
 * never under EXPLAIN without ANALYZE).  Folds external parameters into the
 * clauses, then decides which parameters are restricted.  Raises 0A000 if a
 * parameter without a domain is restricted and nothing binds it, or if it is not
 * restricted and its default is "none".
 */
extern KeyapiBinding *keyapi_binding_begin(ForeignScanState *node,
										   const KeyapiTableOptions *options);

/*
 * What keyapi_lookalike_clauses finds among the clauses of the scan, with external
 * parameters folded in.
 */
extern bool keyapi_binding_lookalike(const KeyapiBinding *binding,
									 KeyapiLookalike *lookalike);

/*
 * Evaluate the binding with the current values of the node's parameters: at the
 * first Iterate and after each ReScan.  The result is palloc'd; the binding must
 * live as long.  Raises what evaluating the expressions raises, and 54000 if there
 * are too many lists.
 */
extern KeyapiBound *keyapi_binding_evaluate(KeyapiBinding *binding);

/*
 * Whether a row of lists[list] on this page, with a rank in first..last, may
 * satisfy the clauses on rank, page and parameters.  A page without such a row
 * need not be read.
 */
extern bool keyapi_bound_wants(const KeyapiBound *bound, int list, int page,
							   int64 first, int64 last);

/*
 * The lists that a query without any condition reads (ANALYZE), palloc'd; none
 * if such a query is an error, because a default is "none", say.
 */
extern KeyapiListing *keyapi_default_lists(Relation rel,
										   const KeyapiTableOptions *options,
										   int *nlists);

#endif							/* KEYAPI_BINDING_H */
