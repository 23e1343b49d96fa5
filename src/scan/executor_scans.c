/*-------------------------------------------------------------------------
 *
 * executor_scans.c
 *	  The scans of each executor.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/executor_scans.h"

#include "utils/memutils.h"

static dlist_head scans = DLIST_STATIC_INIT(scans);

static void
forget(void *arg)
{
	KeyapiScan *scan = arg;

	dlist_delete(&scan->node_of_all);
}

void
keyapi_scan_register(KeyapiScan *scan)
{
	MemoryContextCallback *on_delete = palloc0(sizeof(MemoryContextCallback));

	dlist_push_head(&scans, &scan->node_of_all);
	on_delete->func = forget;
	on_delete->arg = scan;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, on_delete);
}

KeyapiScan *
keyapi_scan_find(const EState *estate, const Plan *plan)
{
	dlist_iter	iter;

	dlist_foreach(iter, &scans)
	{
		KeyapiScan *scan = dlist_container(KeyapiScan, node_of_all, iter.cur);

		if (scan->node->ss.ps.plan == plan && scan->node->ss.ps.state == estate)
			return scan;
	}
	return NULL;
}

bool
keyapi_scan_is_alone(const KeyapiScan *scan)
{
	dlist_iter	iter;

	dlist_foreach(iter, &scans)
	{
		const KeyapiScan *other = dlist_container(KeyapiScan, node_of_all, iter.cur);

		if (other != scan &&
			other->node->ss.ps.state == scan->node->ss.ps.state)
			return false;
	}
	return true;
}

void
keyapi_scan_begin_pass(KeyapiScan *scan)
{
	MemoryContext oldcontext;

	MemoryContextReset(scan->bound_context);
	oldcontext = MemoryContextSwitchTo(scan->bound_context);
	scan->bound = keyapi_binding_evaluate(scan->binding);
	MemoryContextSwitchTo(oldcontext);
	keyapi_pages_rewind(scan->pages, scan->bound);
}
