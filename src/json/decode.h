/*-------------------------------------------------------------------------
 *
 * decode.h
 *	  Body of a response -> envelope, pagination and text cells.
 *
 * This is the only header of json/ that the rest of the extension includes.
 * decode.c parses the body and picks out what the endpoint table names.  If the
 * parser refuses the body, repair.c replaces the bytes that it may not like, and
 * decode.c tries again.  value.c follows paths into the parsed document and turns
 * values into text; strbuf.c is the buffer that it writes to.
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

/*
 * Where decoded data goes.  alloc returns NULL when memory is out; it must not
 * longjmp.  What it returned is never freed by the decoder.
 */
typedef struct KeyapiAllocator
{
	void	   *(*alloc) (void *arg, size_t size);
	void	   *arg;
} KeyapiAllocator;

typedef enum KeyapiDecodeResult
{
	KEYAPI_DECODE_OK,			/* envelope with data */
	KEYAPI_DECODE_REFUSED,		/* envelope whose code is neither 0 nor 200 */
	KEYAPI_DECODE_TRUNCATED,	/* the body ends inside the document */
	KEYAPI_DECODE_NOT_JSON,		/* HTML, garbage, too deep, ... */
	KEYAPI_DECODE_NO_DATA,		/* JSON, but not the envelope we know */
	KEYAPI_DECODE_NO_MEMORY
} KeyapiDecodeResult;

/* One item of the page: the cells asked for. */
typedef struct KeyapiItem
{
	const char *id;				/* endpoint->id_field as text, or NULL */
	const char *echo;			/* endpoint->echo_field as text, or NULL */
	const char **cells;			/* one per path asked for; NULL = SQL NULL */
} KeyapiItem;

typedef struct KeyapiDecoded
{
	int64_t		code;			/* envelope code; 0 or 200 = success */
	const char *message;		/* the API's words, or NULL */
	const char *request_id;		/* or NULL */
	int			has_more;		/* 1, 0, or -1 when absent */
	int			limit;			/* page size that was applied, or 0 when
								 * absent */
	int64_t		total_count;	/* or -1 when absent */
	int			nitems;
	KeyapiItem *items;
	const char *error;			/* what is wrong, for any result but OK and
								 * REFUSED; never NULL then */
} KeyapiDecoded;

/*
 * Decode the body of a response of the endpoint.
 *
 * body has len bytes and need not be NUL-terminated.  paths are npaths dotted
 * paths into an item ("author.name", "tags.0"; "" = the whole object as compact
 * JSON).  Scalars become their text: strings as they are, integers
 * with all their digits, reals that are whole numbers as integers (9.0 is
 * "9"), other reals in the shortest form that reads back as the same double,
 * booleans as true and false.  Objects and arrays become compact JSON; null
 * and a missing field become NULL.
 *
 * *out is always set: on failure as much of code, message and request_id as
 * the body gave.  All that *out points to comes from the allocator.
 *
 * A page that was paid for is not lost to lone surrogates, \u0000, invalid UTF-8
 * or integers beyond 64 bits: the body is repaired (see repair.h) and parsed once
 * more.
 */
extern KeyapiDecodeResult keyapi_json_decode(const char *body, size_t len,
											 const KeyapiEndpoint *endpoint,
											 const char *const *paths, int npaths,
											 const KeyapiAllocator *allocator,
											 KeyapiDecoded *out);

/*
 * The version of jansson, as it is loaded.
 */
extern const char *keyapi_json_version(void);

#endif							/* KEYAPI_DECODE_H */
