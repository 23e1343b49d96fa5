/*-------------------------------------------------------------------------
 *
 * import.h
 *	  IMPORT FOREIGN SCHEMA.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_IMPORT_H
#define KEYAPI_IMPORT_H

#include "compat.h"

#include "foreign/fdwapi.h"

extern List *keyapiImportForeignSchema(ImportForeignSchemaStmt *stmt,
									   Oid serverOid);

#endif							/* KEYAPI_IMPORT_H */
