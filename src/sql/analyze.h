/*-------------------------------------------------------------------------
 *
 * analyze.h
 *	  ANALYZE of a foreign table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ANALYZE_H
#define KEYAPI_ANALYZE_H

#include "compat.h"

#include "foreign/fdwapi.h"

extern bool keyapiAnalyzeForeignTable(Relation relation,
									  AcquireSampleRowsFunc *func,
									  BlockNumber *totalpages);

#endif							/* KEYAPI_ANALYZE_H */
