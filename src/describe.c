/*-------------------------------------------------------------------------
 *
 * describe.c
 *	  EXPLAIN.
 *
 *-------------------------------------------------------------------------
 */
#include "describe.h"

#include "commands/explain.h"
#include "utils/rel.h"

#include "option.h"
#include "scan.h"

static void
explain_bill(const KeyapiBill *bill, ExplainState *es)
{
	ExplainPropertyInteger("Lists", NULL, bill->lists, es);
	ExplainPropertyInteger("Requests", NULL, bill->cost.requests, es);
	ExplainPropertyInteger("Unread Pages", NULL, bill->unread_pages, es);
	ExplainPropertyInteger("Duplicates", NULL, bill->duplicates, es);
	ExplainPropertyInteger("Bytes", NULL, bill->cost.bytes, es);
	ExplainPropertyInteger("Credits", NULL, bill->cost.credits, es);
	if (es->timing)
		ExplainPropertyFloat("HTTP Time", "ms", bill->cost.http_time, 3, es);
}

void
keyapiExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	Relation	rel = node->ss.ss_currentRelation;
	KeyapiTableOptions *options = keyapi_table_options(RelationGetRelid(rel));
	const KeyapiBill *bill = keyapi_scan_bill(node);

	ExplainPropertyText("Endpoint", options->endpoint->path, es);
	if (bill != NULL)
		explain_bill(bill, es);
}
