/*-------------------------------------------------------------------------
 *
 * cache_key.h
 *	  What a cached list is known by: its key, and the number it has in the
 *	  cache.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_KEY_H
#define KEYAPI_CACHE_KEY_H

#include "compat.h"

#include "api/listing.h"
#include "shared/account.h"

/*
 * The account, and what was asked of it.  The same list has the same key, and no
 * other list has it.  A key holds no secret, and what it says can be read back
 * from it, in databases of other encodings too.
 */
typedef struct KeyapiCacheKey
{
	KeyapiAccountId account;
	int			page_size;
	Size		len;			/* of texts, in bytes */
	const char *texts;			/* the endpoint's path, then the value of each
								 * of its parameters, in the order of the
								 * endpoint's table; in UTF-8, each with its
								 * NUL */
} KeyapiCacheKey;

/*
 * Names a listing, whether it is still in the cache or not.
 */
typedef struct KeyapiCachedId
{
	uint64		number;			/* never used twice; 0: none */
	uint32		hash;			/* of its key: where to look */
} KeyapiCachedId;

#define KEYAPI_NO_CACHED_ID ((KeyapiCachedId) {0, 0})

/*
 * The key of an account's list.  Its texts are palloc'd.  Raises 22021 if a value
 * cannot be converted to UTF-8.
 */
extern KeyapiCacheKey keyapi_cache_key(const KeyapiAccountId *account,
									   const KeyapiListing *listing);

/*
 * A copy whose texts are allocated in a context.
 */
extern KeyapiCacheKey keyapi_cache_key_copy(const KeyapiCacheKey *key,
											MemoryContext context);

extern bool keyapi_cache_key_equal(const KeyapiCacheKey *a,
								   const KeyapiCacheKey *b);

/*
 * A hash of all of it.
 */
extern uint32 keyapi_cache_key_hash(const KeyapiCacheKey *key);

/*
 * The endpoint's path, as in KeyapiEndpoint; and the value of a parameter, by
 * its index in the endpoint's table, in UTF-8.  Both point into the key.
 */
extern const char *keyapi_cache_key_path(const KeyapiCacheKey *key);
extern const char *keyapi_cache_key_value(const KeyapiCacheKey *key, int param);

#endif							/* KEYAPI_CACHE_KEY_H */
