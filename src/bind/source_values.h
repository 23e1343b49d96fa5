/*-------------------------------------------------------------------------
 *
 * source_values.h
 *	  Sources -> values: sets of texts and ranges of ranks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SOURCE_VALUES_H
#define KEYAPI_SOURCE_VALUES_H

#include "compat.h"

#include "bind/source.h"
#include "bind/virtual_row.h"

/* Texts in byte order, without duplicates. */
typedef struct KeyapiTextSet
{
	int			n;
	const char **texts;
} KeyapiTextSet;

/*
 * Ranks lo..hi on pages 1..last_page.  Which ranks these pages hold is known only
 * when the server has shown how large its pages are.
 */
typedef struct KeyapiRange
{
	int64		lo;				/* at least 1 */
	int64		hi;				/* PG_INT64_MAX: open above */
	int64		last_page;		/* ditto; 0: none */
} KeyapiRange;

/*
 * Compile the expressions of a source for evaluation with the row: all of them,
 * or only those constants that count whatever external parameters are.  Sets
 * state in the source and in the parts that it shares.
 */
extern void keyapi_source_prepare(KeyapiSource *source, KeyapiVirtualRow *row);
extern void keyapi_source_prepare_constants(KeyapiSource *source,
											KeyapiVirtualRow *row);

/*
 * The values of a source of a parameter, which must not be open; NULL, '' and
 * values of more than 64 bytes are left out.  In CurrentMemoryContext.
 */
extern KeyapiTextSet keyapi_source_texts(const KeyapiSource *source,
										 KeyapiVirtualRow *row);

/*
 * A range that holds the values of a source of ranks; lo > hi if there are none.
 * An expression that was not prepared may have any value.
 */
extern KeyapiRange keyapi_source_range(const KeyapiSource *source,
									   KeyapiVirtualRow *row);

/*
 * The range if pages have this many rows: last_page is reflected in hi.
 */
extern KeyapiRange keyapi_range_of_ranks(KeyapiRange range, int page_size);

/*
 * Whether a source can be evaluated without executing anything: it depends on
 * constants alone.
 */
extern bool keyapi_source_is_constant(const KeyapiSource *source);

/*
 * The largest number of values that the source can have, or -1 if it may have any
 * number, or may vanish.
 */
extern int64 keyapi_source_max_values(const KeyapiSource *source);

#endif							/* KEYAPI_SOURCE_VALUES_H */
