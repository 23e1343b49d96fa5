/*-------------------------------------------------------------------------
 *
 * attrs.h
 *	  A whole item as jsonb, made from the cells of its row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ATTRS_H
#define KEYAPI_ATTRS_H

#include "compat.h"

#include "json/block.h"

typedef struct KeyapiAttrs KeyapiAttrs;

/*
 * What makes jsonb of rows of blocks with these names, in CurrentMemoryContext.
 * The names are kept by the caller.
 */
extern KeyapiAttrs *keyapi_attrs_create(KeyapiSlice names);

/*
 * The row as jsonb, palloc'd: the same that jsonb's input function makes of its
 * JSON.  False if it takes that function to make it: in a database whose encoding
 * is not UTF-8, and if a member holds others.
 */
extern bool keyapi_attrs_read(KeyapiAttrs *attrs, const KeyapiBlock *block, int row,
							  Datum *value);

#endif							/* KEYAPI_ATTRS_H */
