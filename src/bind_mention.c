/*-------------------------------------------------------------------------
 *
 * bind_mention.c
 *	  Which parameters of a scan the query restricts, at plan time.
 *
 *-------------------------------------------------------------------------
 */
#include "bind_mention.h"

#include "plan_facts.h"

void
keyapi_find_mentions(KeyapiMentions *mentions, PlannerInfo *root,
					 RelOptInfo *rel, const KeyapiScanColumns *columns,
					 const KeyapiTableOptions *options)
{
	memset(mentions, 0, sizeof(*mentions));
}

uint32
keyapi_mentioned(const KeyapiMentions *mentions, List *clauses,
				 const KeyapiScanColumns *columns)
{
	return mentions->certain |
		keyapi_mentions((Node *) clauses, keyapi_scan_var_params,
						(void *) columns) |
		keyapi_mentions((Node *) mentions->clauses, keyapi_mark_var_params,
						NULL);
}
