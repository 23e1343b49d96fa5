/*-------------------------------------------------------------------------
 *
 * look_beyond.h
 *	  Looking ahead beyond a scan's own pass: to later rows of the loop that it is
 *	  the inner side of, and to scans that the executor will read after it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LOOK_BEYOND_H
#define KEYAPI_LOOK_BEYOND_H

#include "compat.h"

#include "scan/executor_scans.h"

/*
 * While the scan waits for its pages, let it ask for those that will surely be
 * needed after its own; once, after the scan was registered.
 */
extern void keyapi_look_beyond(KeyapiScan *scan);

/*
 * Before a rescan: these params have changed (or NULL).  What was seen of later
 * passes is forgotten if it may be wrong now.
 */
extern void keyapi_look_beyond_rescan(KeyapiScan *scan, const Bitmapset *changed);

/*
 * The scan ends.
 */
extern void keyapi_look_beyond_end(KeyapiScan *scan);

/*
 * Whether the plan lets a scan ask for the lists of its loop's later rows.
 */
extern bool keyapi_looks_at_loop(const PlannedStmt *statement, const Plan *plan);

#endif							/* KEYAPI_LOOK_BEYOND_H */
