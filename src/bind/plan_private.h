/*-------------------------------------------------------------------------
 *
 * plan_private.h
 *	  What the planner tells the executor: the private data of a plan node.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PLAN_PRIVATE_H
#define KEYAPI_PLAN_PRIVATE_H

#include "compat.h"

#include "nodes/pg_list.h"

#include "bind/combinations.h"
#include "bind/restriction_marks.h"

typedef struct KeyapiPlanPrivate
{
	KeyapiRestrictions restrictions;	/* joined and reason are not carried
										 * over */
	KeyapiOrder order;			/* of the rows, as far as promised */
	int64		max_rows;		/* rows after which the scan provably stops,
								 * or -1 */

	/*
	 * The attribute numbers that the plan needs from the scan, offset by
	 * FirstLowInvalidHeapAttributeNumber.  The target list does not tell: it
	 * may hold all columns just because that is cheaper than a projection.
	 */
	Bitmapset  *columns;
} KeyapiPlanPrivate;

/*
 * The private data as a list that copyObject can copy (fdw_private), and back.
 * Both share what the other side points to.
 */
extern List *keyapi_plan_private_pack(const KeyapiPlanPrivate *private);
extern void keyapi_plan_private_unpack(KeyapiPlanPrivate *private, List *packed);

#endif							/* KEYAPI_PLAN_PRIVATE_H */
