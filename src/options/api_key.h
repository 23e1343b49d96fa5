/*-------------------------------------------------------------------------
 *
 * api_key.h
 *	  The API key of a user: where it comes from, and what is a possible one.
 *
 * What keeps keys out of messages: api/secret.h.  The options that hold keys:
 * option.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_API_KEY_H
#define KEYAPI_API_KEY_H

#include "compat.h"

/*
 * What is wrong with a string as API key, as a sentence that does not quote
 * it; or NULL.  A key goes into a header line (RFC 9110, section 5.5): visible
 * ASCII only.
 */
extern const char *keyapi_api_key_problem(const char *key);

/*
 * The API key of the user on this server: from the user's own mapping, else
 * from that for PUBLIC; from api_key, else read from api_key_file now.
 * Palloc'd, and blotted out of messages as long as CurrentMemoryContext lives
 * (see secret.h).  Raises 28000 when there is no mapping or no key, 58P01 when the
 * file cannot be read, 22023 when it holds no possible key.
 */
extern char *keyapi_api_key(Oid userid, Oid serverid);

#endif							/* KEYAPI_API_KEY_H */
