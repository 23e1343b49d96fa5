/*-------------------------------------------------------------------------
 *
 * column_source.h
 *	  Where the columns of a foreign table come from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_COLUMN_SOURCE_H
#define KEYAPI_COLUMN_SOURCE_H

#include "compat.h"

#include "catalog/pg_attribute.h"
#include "utils/rel.h"

#include "api/endpoint.h"

typedef struct KeyapiColumnSource
{
	KeyapiColumnKind kind;
	const char *field;			/* KEYAPI_COLUMN_FIELD: dotted path;
								 * KEYAPI_COLUMN_PARAM: name of the parameter;
								 * else NULL */
} KeyapiColumnSource;

/*
 * Where a column comes from, by its index in the descriptor of an open foreign table
 * of the endpoint: the column option "field", else the endpoint's column of that
 * name, else the field of the item that has that name.  field is palloc'd.  Not for
 * dropped columns.
 */
extern KeyapiColumnSource keyapi_column_source(Relation rel,
											   const KeyapiEndpoint *endpoint,
											   int index);

/*
 * Raise HV007 for a column that has no option "field" and the name of one of the
 * endpoint's columns, but for upper and lower case: "REGION".  Such a column would
 * be NULL in every row.
 */
extern void keyapi_check_column_name(const KeyapiEndpoint *endpoint,
									 Form_pg_attribute attr);

#endif							/* KEYAPI_COLUMN_SOURCE_H */
