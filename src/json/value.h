/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Values of a parsed document: finding them, and their text.
 *
 * Includes jansson, so do not include it together with a header of the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_VALUE_H
#define KEYAPI_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "json/block.h"
#include "json/strbuf.h"

/*
 * The value that a dotted path leads to from here, or NULL; "" is the value
 * itself.  In "tags.0", 0 is an index if tags is an array.  A member whose name
 * is all that is left of the path wins: "a.b" may be the name of one member.
 * The result belongs to the document.
 */
extern json_t *keyapi_json_follow(json_t *value, const char *path);

/*
 * The same for what is left of a path: "" is the member without a name here.
 */
extern json_t *keyapi_json_follow_below(json_t *value, const char *path);

/*
 * If value is a whole number that fits 64 bits, set *result and return true.
 */
extern bool keyapi_json_real_to_integer(double value, int64_t *result);

/*
 * Append the value as compact JSON in UTF-8, keys in the order received.
 * Whole reals are written as integers, others in the shortest form that reads
 * back as the same double.  Recursion is as deep as the value is, which jansson's
 * parser limits.
 */
extern void keyapi_json_write(KeyapiStrBuf *buf, const json_t *value);

/*
 * Append a string of len bytes as JSON, with its quotes.
 */
extern void keyapi_json_write_string(KeyapiStrBuf *buf, const char *s, size_t len);

/*
 * Append the text of a value: of a string its characters, of anything else its
 * JSON.
 */
extern void keyapi_json_write_text(KeyapiStrBuf *buf, const json_t *value);

/*
 * What a block calls this kind of value.  A whole real is an integer, as it is
 * written.
 */
extern KeyapiMemberKind keyapi_json_kind(const json_t *value);

#endif							/* KEYAPI_VALUE_H */
