/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Executor callbacks: bind the query's lists, then return their rows.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/scan.h"

#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "bind/binding.h"
#include "bind/plan_private.h"
#include "options/option.h"
#include "scan/demand.h"
#include "scan/executor_scans.h"
#include "scan/look_beyond.h"
#include "scan/lookalike.h"
#include "scan/reads_once.h"
#include "scan/tuple.h"

static Oid
scan_user(ForeignScanState *node)
{
	Oid			userid = keyapi_checked_user(node);

	return OidIsValid(userid) ? userid : GetUserId();
}

void
keyapiBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	Relation	rel = node->ss.ss_currentRelation;
	KeyapiTableOptions *options;
	KeyapiPlanPrivate private;
	KeyapiScan *scan;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	options = keyapi_table_options(RelationGetRelid(rel));
	scan = palloc0(sizeof(KeyapiScan));
	keyapi_plan_private_unpack(&private, plan->fdw_private);
	scan->node = node;
	scan->eflags = eflags;
	scan->hint = keyapi_demand_hint_of(node->ss.ps.state->es_plannedstmt,
									   node->ss.ps.plan);
	scan->binding = keyapi_binding_begin(node, options);
	scan->reader = keyapi_tuple_reader(rel, options->endpoint, private.columns);
	scan->pages = keyapi_pages_create(RelationGetRelid(rel), scan_user(node), options);
	scan->lookalike = keyapi_lookalike_check(node, scan->binding);
	scan->bound_context = AllocSetContextCreate(CurrentMemoryContext,
												"keyapi_fdw binding",
												ALLOCSET_SMALL_SIZES);
	keyapi_scan_register(scan);
	keyapi_look_beyond(scan);
	node->fdw_state = scan;
}

static void
begin_pass(KeyapiScan *scan)
{
	keyapi_scan_begin_pass(scan);
	/* of one list alone, nothing can be let go before the end */
	keyapi_pages_read_once(scan->pages, scan->bound->nlists > 1 && !scan->read &&
						   keyapi_scan_reads_once(scan));
	scan->read = true;
}

TupleTableSlot *
keyapiIterateForeignScan(ForeignScanState *node)
{
	KeyapiScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	KeyapiDemand demand;
	int64		rows;
	KeyapiRow	row;

	if (scan->bound == NULL)
		begin_pass(scan);
	scan->begun_ahead = false;

	ExecClearTuple(slot);
	demand = keyapi_demand_now(&scan->hint, node, scan->bound->max_rows, &rows);
	if (keyapi_pages_next(scan->pages, demand, rows, &row))
	{
		keyapi_tuple_read(scan->reader, &row,
						  slot->tts_values, slot->tts_isnull);
		ExecStoreVirtualTuple(slot);
		keyapi_lookalike_row(scan->lookalike, slot);
	}
	else
		keyapi_lookalike_end_of_pass(scan->lookalike);
	return slot;
}

void
keyapiReScanForeignScan(ForeignScanState *node)
{
	KeyapiScan *scan = node->fdw_state;

	keyapi_look_beyond_rescan(scan, node->ss.ps.chgParam);
	scan->bound = NULL;
	scan->begun_ahead = false;
}

void
keyapiEndForeignScan(ForeignScanState *node)
{
	KeyapiScan *scan = node->fdw_state;

	if (scan == NULL)
		return;
	keyapi_look_beyond_end(scan);
	keyapi_pages_finish(scan->pages);
	keyapi_lookalike_finish(scan->lookalike);
}

const KeyapiBill *
keyapi_scan_bill(const ForeignScanState *node)
{
	KeyapiScan *scan = node->fdw_state;

	return scan == NULL ? NULL : keyapi_pages_bill(scan->pages);
}
