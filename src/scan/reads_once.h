/*-------------------------------------------------------------------------
 *
 * reads_once.h
 *	  Whether a scan reads its lists once, and nobody else in the statement reads
 *	  them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_READS_ONCE_H
#define KEYAPI_READS_ONCE_H

#include "compat.h"

#include "scan/executor_scans.h"

/*
 * Whether that is so of a scan that is about to begin its first pass; false if it
 * is not known.  What the scan has passed need not be kept then.
 */
extern bool keyapi_scan_reads_once(const KeyapiScan *scan);

#endif							/* KEYAPI_READS_ONCE_H */
