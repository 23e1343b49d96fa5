/*-------------------------------------------------------------------------
 *
 * keyapi_fdw.c
 *	  Wiring: what happens when the library is loaded, and which function
 *	  answers which callback.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "utils/guc.h"

#include "fetch/budget.h"
#include "fetch/request_log.h"
#include "plan/plan.h"
#include "scan/demand.h"
#include "scan/scan.h"
#include "shared/account.h"
#include "shared/cache.h"
#include "shared/cache_store.h"
#include "shared/progress.h"
#include "shared/shared_memory.h"
#include "shared/single_flight.h"
#include "shared/stats.h"
#include "sql/analyze.h"
#include "sql/explain.h"
#include "sql/import.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	keyapi_budget_init();
	keyapi_cache_init();
	keyapi_request_log_init();
	MarkGUCPrefixReserved("keyapi_fdw");

	keyapi_demand_init();

	keyapi_shared_register(&keyapi_cache_part);
	keyapi_shared_register(&keyapi_flight_part);
	keyapi_shared_register(&keyapi_account_part);
	keyapi_shared_register(&keyapi_stats_part);
	keyapi_shared_register(&keyapi_progress_part);
	keyapi_shared_init();
}

extern PGDLLEXPORT Datum keyapi_fdw_handler(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(keyapi_fdw_handler);

Datum
keyapi_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = keyapiGetForeignRelSize;
	routine->GetForeignPaths = keyapiGetForeignPaths;
	routine->GetForeignPlan = keyapiGetForeignPlan;

	routine->BeginForeignScan = keyapiBeginForeignScan;
	routine->IterateForeignScan = keyapiIterateForeignScan;
	routine->ReScanForeignScan = keyapiReScanForeignScan;
	routine->EndForeignScan = keyapiEndForeignScan;

	routine->ExplainForeignScan = keyapiExplainForeignScan;
	routine->ImportForeignSchema = keyapiImportForeignSchema;
	routine->AnalyzeForeignTable = keyapiAnalyzeForeignTable;

	PG_RETURN_POINTER(routine);
}
