/*-------------------------------------------------------------------------
 *
 * pages_report.h
 *	  How far a pass is, for keyapi_fdw_progress.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PAGES_REPORT_H
#define KEYAPI_PAGES_REPORT_H

#include "compat.h"

#include "scan/pages_state.h"

/*
 * Tell others how many lists and pages the pass will read, as far as that is known
 * by now, and how many are there.
 */
extern void keyapi_pages_report(KeyapiPages *pages);

#endif							/* KEYAPI_PAGES_REPORT_H */
