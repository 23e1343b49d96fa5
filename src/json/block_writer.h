/*-------------------------------------------------------------------------
 *
 * block_writer.h
 *	  Parsed items -> a block.
 *
 * Includes jansson, so do not include it together with a header of the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_BLOCK_WRITER_H
#define KEYAPI_BLOCK_WRITER_H

#include <jansson.h>

#include "json/allocator.h"
#include "json/block.h"
#include "json/strbuf.h"

/* A name that members have. */
typedef struct KeyapiBlockName
{
	const char *name;			/* the document's own */
	KeyapiBlockSpan key;		/* where it is written, as JSON and with a
								 * colon */
} KeyapiBlockName;

/* All zeroes is a writer of no rows yet. */
typedef struct KeyapiBlockWriter
{
	int			nrows;
	int			nnames;
	bool		no_cells;		/* cells do not do, for whatever reason */
	KeyapiBlockName names[KEYAPI_BLOCK_MAX_NAMES];
	KeyapiStrBuf text;
	KeyapiStrBuf rows;			/* KeyapiBlockRow */
	KeyapiStrBuf entries;		/* cells that are not empty, row by row */
} KeyapiBlockWriter;

/*
 * Add an item, which must be an object and stay until the block is finished.  id
 * and echo are paths into it, or NULL; an id that is blank is none.
 */
extern void keyapi_block_writer_add(KeyapiBlockWriter *writer, json_t *item,
									const char *id, const char *echo);

/*
 * The text of a value, to become the message or the request id in the header; no
 * span for NULL and null.
 */
extern KeyapiBlockSpan keyapi_block_writer_text(KeyapiBlockWriter *writer,
												const json_t *value);

/*
 * The block of all items, by the allocator.  header has what is said of the page
 * besides its items: total_count, has_more, limit, request_id and message; the
 * rest of it is set here.  NULL if memory is or was out.
 */
extern const KeyapiBlock *keyapi_block_writer_finish(KeyapiBlockWriter *writer,
													 const KeyapiBlock *header,
													 const KeyapiAllocator *allocator);

/*
 * Free what the writer holds; not the block.
 */
extern void keyapi_block_writer_free(KeyapiBlockWriter *writer);

#endif							/* KEYAPI_BLOCK_WRITER_H */
