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

#endif							/* KEYAPI_LOOK_BEYOND_H */
