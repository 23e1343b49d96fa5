/*-------------------------------------------------------------------------
 *
 * outer_rows.h
 *	  The outer rows of a nested loop, seen before the loop comes to them: by a
 *	  second run of its outer plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_OUTER_ROWS_H
#define KEYAPI_OUTER_ROWS_H

#include "compat.h"

#include "nodes/execnodes.h"

typedef struct KeyapiOuterRows KeyapiOuterRows;
typedef struct KeyapiOuterRow KeyapiOuterRow;

/*
 * Whether the outer rows of the loop tell the passes of a scan on its inner side,
 * and may be seen beforehand: their plan may be run twice, and costs no more than a
 * request.
 */
extern bool keyapi_outer_rows_may_be_seen(const PlannedStmt *statement,
										  const NestLoop *loop, const Plan *scan);

/*
 * Begin to see them, in the executor's memory.  Only the params of the loop that the
 * scan uses are looked at.  Must be ended before the executor ends.
 */
extern KeyapiOuterRows *keyapi_outer_rows_begin(EState *estate, const NestLoop *loop,
												const Plan *scan);
extern void keyapi_outer_rows_end(KeyapiOuterRows *rows);

/*
 * The next row whose values have not come before, kept until the end; NULL if there
 * is none.  Raises what running the plan raises.
 */
extern KeyapiOuterRow *keyapi_outer_rows_next(KeyapiOuterRows *rows);

/*
 * Exchange the values of a row with those that the params have, so that expressions
 * see it.  A second call puts them back.
 */
extern void keyapi_outer_row_swap(KeyapiOuterRows *rows, KeyapiOuterRow *row);

/*
 * Whether one of the params is not set by the loop.
 */
extern bool keyapi_outer_rows_lack(const KeyapiOuterRows *rows, const Bitmapset *params);

#endif							/* KEYAPI_OUTER_ROWS_H */
