/*-------------------------------------------------------------------------
 *
 * explain.h
 *	  What the extension says of itself: EXPLAIN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_EXPLAIN_H
#define KEYAPI_EXPLAIN_H

#include "compat.h"

#include "foreign/fdwapi.h"

extern void keyapiExplainForeignScan(ForeignScanState *node,
									 struct ExplainState *es);
#endif							/* KEYAPI_EXPLAIN_H */
