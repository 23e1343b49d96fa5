/*-------------------------------------------------------------------------
 *
 * decode.h
 *	  Body of a response -> envelope, pagination and text cells.
 *
 * Plain C on jansson: no server header, no ereport, no palloc, so that unit
 * and fuzz tests run it without a server, and so that jansson's names
 * (json_object, json_typeof) never meet PostgreSQL's.  All text is UTF-8.
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

/* One video: the cells asked for. */
typedef struct KeyapiVideo
{
	const char *id;				/* endpoint->id_field as text, or NULL */
	const char *echo;			/* endpoint->echo_field as text, or NULL */
	const char **cells;			/* one per path asked for; NULL = SQL NULL */
} KeyapiVideo;

typedef struct KeyapiDecoded
{
	int64_t		code;			/* envelope code; 0 or 200 = success */
	const char *message;		/* message or msg, or NULL */
	const char *request_id;		/* requestId, or NULL */
	int			has_more;		/* 1, 0, or -1 when absent */
	int			limit;			/* effective page size, or 0 when absent */
	int64_t		total_count;	/* or -1 when absent */
	int			nvideos;
	KeyapiVideo *videos;
	const char *error;			/* what is wrong, for any result but OK and
								 * REFUSED; never NULL then */
} KeyapiDecoded;

/*
 * Decode the body of a response of the endpoint.
 *
 * body has len bytes and need not be NUL-terminated.  paths are npaths dotted
 * paths into the video object ("author.name", "tags.0"; "" = the whole object
 * as compact JSON).  Scalars become their text: strings as they are, integers
 * with all their digits, reals that are whole numbers as integers (9.0 is
 * "9"), other reals in the shortest form that reads back as the same double,
 * booleans as true and false.  Objects and arrays become compact JSON; null
 * and a missing field become NULL.
 *
 * *out is always set: on failure as much of code, message and request_id as
 * the body gave.  All that *out points to comes from the allocator.
 *
 * Lone surrogates, \u0000, invalid UTF-8 and integers beyond 64 bits do not
 * lose a page that was paid for: the body is repaired (U+FFFD; such integers as
 * strings) and parsed once more.
 */
extern KeyapiDecodeResult keyapi_decode(const char *body, size_t len,
										const KeyapiEndpoint *endpoint,
										const char *const *paths, int npaths,
										const KeyapiAllocator *allocator,
										KeyapiDecoded *out);

#endif							/* KEYAPI_DECODE_H */
