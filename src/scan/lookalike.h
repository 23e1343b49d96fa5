/*-------------------------------------------------------------------------
 *
 * lookalike.h
 *	  The warning of a scan that paid for a default list and threw all of it
 *	  away, because its query has a condition on a column that only looks like a
 *	  parameter.
 *
 * "country_code = 'GB'" filters the rows of the default region, and none passes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LOOKALIKE_H
#define KEYAPI_LOOKALIKE_H

#include "compat.h"

#include "nodes/execnodes.h"

#include "bind/binding.h"

typedef struct KeyapiLookalikeCheck KeyapiLookalikeCheck;

/*
 * A check for a scan node, in CurrentMemoryContext, or NULL if its query has no
 * such condition.
 */
extern KeyapiLookalikeCheck *keyapi_lookalike_check(ForeignScanState *node,
													const KeyapiBinding *binding);

/*
 * Look at a row that the scan is about to return, or note the end of a pass.
 * NULL is no check.  Raises what evaluating the condition raises, which the
 * executor would raise for the row, too.
 */
extern void keyapi_lookalike_row(KeyapiLookalikeCheck *check,
								 TupleTableSlot *slot);
extern void keyapi_lookalike_end_of_pass(KeyapiLookalikeCheck *check);

/*
 * The end of the scan: a WARNING if a pass was read to its end, rows came, and no
 * row of any pass satisfied the condition.  NULL is no check.
 */
extern void keyapi_lookalike_finish(const KeyapiLookalikeCheck *check);

#endif							/* KEYAPI_LOOKALIKE_H */
