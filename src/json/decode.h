/*-------------------------------------------------------------------------
 *
 * decode.h
 *	  Body of a response -> a page as one block, or what the API says instead.
 *
 * The rest of the extension includes this header, block.h and field.h of json/.
 * decode.c parses the body and finds what the endpoint table names.  If the
 * parser refuses the body, repair.c replaces the bytes that it may not like, and
 * decode.c tries again.  block_writer.c makes the block, which block.c and field.c
 * read.  value.c follows paths into the parsed document and turns values into
 * text; strbuf.c is the buffer that it writes to.
 *
 * Plain C on jansson: no server header, no ereport, no palloc.  So unit and fuzz
 * tests run without a server, and jansson's names (json_object, json_typeof)
 * never meet PostgreSQL's.  All text is UTF-8.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DECODE_H
#define KEYAPI_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/endpoint.h"
#include "json/allocator.h"
#include "json/block.h"

typedef enum KeyapiDecodeResult
{
	KEYAPI_DECODE_OK,			/* envelope with data */
	KEYAPI_DECODE_REFUSED,		/* envelope whose code is neither 0 nor 200 */
	KEYAPI_DECODE_TRUNCATED,	/* the body ends inside the document */
	KEYAPI_DECODE_NOT_JSON,		/* HTML, garbage, too deep, ... */
	KEYAPI_DECODE_NO_DATA,		/* JSON, but not the envelope we know */
	KEYAPI_DECODE_NO_MEMORY
} KeyapiDecodeResult;

typedef struct KeyapiDecoded
{
	int64_t		code;			/* envelope code; 0 or 200 = success */
	const char *message;		/* the API's words, or NULL */
	const char *request_id;		/* or NULL */
	const KeyapiBlock *block;	/* the page if the result is OK, else NULL */
	const char *error;			/* what is wrong, for any result but OK and
								 * REFUSED; never NULL then */
} KeyapiDecoded;

/* Where memory comes from. */
typedef struct KeyapiDecodeMemory
{
	KeyapiAllocator document;	/* of what is parsed ... */
	void		(*reset_document) (void *arg);	/* ... and given back by this,
												 * whose argument is the same */
	KeyapiAllocator block;		/* of the page */
	KeyapiAllocator texts;		/* of all else that is not constant */
} KeyapiDecodeMemory;

/*
 * Decode the body of a response of the endpoint.
 *
 * body has len bytes and need not be NUL-terminated.  In the block, integers have
 * all their digits, reals that are whole numbers are integers (9.0 is 9), other
 * reals have the shortest form that reads back as the same double.  Of two members
 * with the same name the last one counts.
 *
 * *out is always set: on failure as much of code, message and request_id as
 * the body gave.  Nothing of the document is left.
 *
 * jansson's memory functions, which are the process's, are replaced meanwhile: no
 * other thread may use jansson.
 *
 * A page that was paid for is not lost to lone surrogates, \u0000, invalid UTF-8
 * or integers beyond 64 bits: the body is repaired (see repair.h) and parsed once
 * more.
 */
extern KeyapiDecodeResult keyapi_json_decode(const char *body, size_t len,
											 const KeyapiEndpoint *endpoint,
											 const KeyapiDecodeMemory *memory,
											 KeyapiDecoded *out);

/*
 * The version of jansson, as it is loaded.
 */
extern const char *keyapi_json_version(void);

#endif							/* KEYAPI_DECODE_H */
