/*-------------------------------------------------------------------------
 *
 * bind_mention.h
 *	  Which parameters of a scan the query restricts, at plan time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_BIND_MENTION_H
#define KEYAPI_BIND_MENTION_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind_expr.h"
#include "option.h"

typedef struct KeyapiMentions
{
	uint32		certain;		/* parameters restricted whatever the values of
								 * external parameters */
	List	   *clauses;		/* that restrict others, unless they vanish: see
								 * KeyapiPlanFacts.outer_clauses */
	uint32		conflicts;		/* see KeyapiPlanFacts.conflicts */
	uint32		joined;			/* parameters restricted by a join */
} KeyapiMentions;

/*
 * What of the query restricts parameters of the relation, besides the scan's
 * own conditions: joins, partition bounds, enclosing query blocks.
 */
extern void keyapi_find_mentions(KeyapiMentions *mentions, PlannerInfo *root,
								 RelOptInfo *rel,
								 const KeyapiScanColumns *columns,
								 const KeyapiTableOptions *options);

/*
 * Parameters that the query may restrict, as far as is known at plan time.
 */
extern uint32 keyapi_mentioned(const KeyapiMentions *mentions, List *clauses,
							   const KeyapiScanColumns *columns);

#endif							/* KEYAPI_BIND_MENTION_H */
