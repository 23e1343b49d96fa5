/*-------------------------------------------------------------------------
 *
 * repair.h
 *	  Almost-JSON -> JSON that a strict parser takes.
 *
 * Knows the tokens of JSON, but no more of its grammar, and nothing of jansson.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_REPAIR_H
#define KEYAPI_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "json/strbuf.h"

/*
 * Append to out the JSON text body[0..len), with what jansson refuses or would
 * lose digits of replaced:
 *
 * - in strings: invalid UTF-8, NUL bytes, \u0000 and escaped lone surrogates by
 *	 U+FFFD, other raw control characters by their escapes;
 * - outside strings: integers that do not fit 64 bits, and numbers that may be
 *	 beyond a double, by strings of the same digits; bytes that cannot be JSON
 *	 by U+FFFD, which a parser is sure to refuse.
 *
 * All else stays as it is: the parser decides whether it is right.
 *
 * Returns true if the body ends inside a token (tru, 1e, "\u12).  The beginning
 * of that token is left out, so that a parser that gets there reports something
 * missing and not something wrong.
 */
extern bool keyapi_json_repair(const char *body, size_t len, KeyapiStrBuf *out);

#endif							/* KEYAPI_REPAIR_H */
