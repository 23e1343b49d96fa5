/*-------------------------------------------------------------------------
 *
 * tuple.h
 *	  Where a page's rows become tuples of a foreign table.
 *
 * How JSON became a block: json/decode.c.  Which row is next: pages.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_TUPLE_H
#define KEYAPI_TUPLE_H

#include "compat.h"

#include "utils/rel.h"

#include "scan/pages.h"

/*
 * Turns rows of pages into the tuples of one foreign table.
 */
typedef struct KeyapiTupleReader KeyapiTupleReader;

/*
 * A reader for the relation, in CurrentMemoryContext.  attrs_used are the
 * attribute numbers to fill, offset by FirstLowInvalidHeapAttributeNumber, 0
 * being the whole row; the others become NULL without being converted.  Raises
 * 0A000 for a stored generated column, and what keyapi_check_column_name raises.
 */
extern KeyapiTupleReader *keyapi_tuple_reader(Relation rel,
											  const KeyapiEndpoint *endpoint,
											  Bitmapset *attrs_used);

/*
 * Fill values and nulls (natts of the relation each).  By-reference values live
 * in CurrentMemoryContext.  Raises what the columns' input functions raise, with
 * CONTEXT that names column, item and page, and with the secrets of secret.h
 * blotted out.
 */
extern void keyapi_tuple_read(KeyapiTupleReader *reader, const KeyapiRow *row,
							  Datum *values, bool *nulls);

#endif							/* KEYAPI_TUPLE_H */
