/*-------------------------------------------------------------------------
 *
 * secret.h
 *	  The API keys that this process may send, and texts without them.
 *
 * An API, a proxy or libcurl may repeat the key of a request in any text that
 * they return.  What takes a key to send it remembers it here; what shows a text
 * from outside blots out all keys that are remembered, whichever of them the
 * text may hold.  Which user has which key: see options/api_key.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SECRET_H
#define KEYAPI_SECRET_H

#include "compat.h"

#include "lib/stringinfo.h"

/*
 * Remember a secret until CurrentMemoryContext is reset or deleted.  That must
 * not happen before the last request with this secret is done with.  The string
 * is copied.
 */
extern void keyapi_secret_remember(const char *secret);

/*
 * Append len bytes of a text to buf, with "***" in place of each secret.  Stops
 * early when buf is longer than max bytes: what is clipped anyway costs no time.
 * Never raises an error but out of memory.
 */
extern void keyapi_secret_append_blotted(StringInfo buf, const char *text,
										 size_t len, int max);

/*
 * Raise an error that was caught once more, with the secrets blotted out: what
 * it quotes may have come from the API.  context is that of the PG_TRY.
 */
pg_noreturn extern void keyapi_secret_rethrow(MemoryContext context);

#endif							/* KEYAPI_SECRET_H */
