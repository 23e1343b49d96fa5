/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Executor callbacks: bind the query's lists, then return their rows.
 *
 * Which lists these are: bind/.  Which page is needed next: pages.c.  How a row
 * becomes a tuple: tuple.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SCAN_H
#define KEYAPI_SCAN_H

#include "compat.h"

#include "foreign/fdwapi.h"

#include "scan/pages.h"

extern void keyapiBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *keyapiIterateForeignScan(ForeignScanState *node);
extern void keyapiReScanForeignScan(ForeignScanState *node);
extern void keyapiEndForeignScan(ForeignScanState *node);

/*
 * What the scan has cost so far, or NULL if it never began (EXPLAIN).
 */
extern const KeyapiBill *keyapi_scan_bill(const ForeignScanState *node);

#endif							/* KEYAPI_SCAN_H */
