/*-------------------------------------------------------------------------
 *
 * describe.h
 *	  What the extension says of itself: EXPLAIN and IMPORT FOREIGN SCHEMA.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DESCRIBE_H
#define KEYAPI_DESCRIBE_H

#include "compat.h"

#include "foreign/fdwapi.h"

extern void keyapiExplainForeignScan(ForeignScanState *node,
									 struct ExplainState *es);
extern List *keyapiImportForeignSchema(ImportForeignSchemaStmt *stmt,
									   Oid serverOid);

#endif							/* KEYAPI_DESCRIBE_H */
