/*-------------------------------------------------------------------------
 *
 * describe.h
 *	  What the extension says of itself: EXPLAIN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DESCRIBE_H
#define KEYAPI_DESCRIBE_H

#include "compat.h"

#include "foreign/fdwapi.h"

extern void keyapiExplainForeignScan(ForeignScanState *node,
									 struct ExplainState *es);
#endif							/* KEYAPI_DESCRIBE_H */
