/*-------------------------------------------------------------------------
 *
 * executor_scans.h
 *	  The scans of each executor, so that one finds the others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_EXECUTOR_SCANS_H
#define KEYAPI_EXECUTOR_SCANS_H

#include "compat.h"

#include "lib/ilist.h"
#include "nodes/execnodes.h"

#include "bind/binding.h"
#include "scan/demand.h"
#include "scan/lookalike.h"
#include "scan/pages.h"
#include "scan/tuple.h"

/* State of a scan node, as long as the node. */
typedef struct KeyapiScan
{
	dlist_node	node_of_all;	/* among the scans of all executors */
	ForeignScanState *node;
	int			eflags;			/* that the node began with */
	KeyapiBinding *binding;
	KeyapiPages *pages;
	KeyapiTupleReader *reader;
	KeyapiLookalikeCheck *lookalike;	/* or NULL */
	KeyapiDemandHint hint;
	KeyapiBound *bound;			/* of the current pass; NULL: bind first */
	MemoryContext bound_context;
	bool		read;			/* a pass was begun by the scan itself */
	bool		begun_ahead;	/* the pass has begun for another scan's sake,
								 * and no row of it was asked for */
	struct KeyapiLoopAhead *loop_ahead; /* passes to come; NULL: not looked at */
} KeyapiScan;

/*
 * Note a scan in CurrentMemoryContext, until that goes.
 */
extern void keyapi_scan_register(KeyapiScan *scan);

/*
 * The scan of this executor with this plan; NULL if it has not begun, or is another
 * wrapper's.
 */
extern KeyapiScan *keyapi_scan_find(const EState *estate, const Plan *plan);

/*
 * Whether the executor of a scan has no other one.
 */
extern bool keyapi_scan_is_alone(const KeyapiScan *scan);

/*
 * Bind with the parameters of the moment, and begin a pass over the rows.  Raises
 * what keyapi_binding_evaluate does.
 */
extern void keyapi_scan_begin_pass(KeyapiScan *scan);

#endif							/* KEYAPI_EXECUTOR_SCANS_H */
