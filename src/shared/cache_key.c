/*-------------------------------------------------------------------------
 *
 * cache_key.c
 *	  What a cached list is known by.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache_key.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

static void
append_with_nul(StringInfo buf, const char *text)
{
	appendBinaryStringInfo(buf, text, strlen(text) + 1);
}

KeyapiCacheKey
keyapi_cache_key(const KeyapiAccountId *account, const KeyapiListing *listing)
{
	StringInfoData texts;

	initStringInfo(&texts);
	append_with_nul(&texts, listing->endpoint->path);
	for (int i = 0; i < listing->endpoint->nparams; i++)
	{
		const char *value = listing->values[i];

		append_with_nul(&texts, pg_server_to_any(value, strlen(value), PG_UTF8));
	}
	return (KeyapiCacheKey)
	{
		*account, listing->page_size, texts.len, texts.data
	};
}

KeyapiCacheKey
keyapi_cache_key_copy(const KeyapiCacheKey *key, MemoryContext context)
{
	KeyapiCacheKey copy = *key;
	char	   *texts = MemoryContextAlloc(context, key->len);

	memcpy(texts, key->texts, key->len);
	copy.texts = texts;
	return copy;
}

bool
keyapi_cache_key_equal(const KeyapiCacheKey *a, const KeyapiCacheKey *b)
{
	return memcmp(&a->account, &b->account, sizeof(KeyapiAccountId)) == 0 &&
		a->page_size == b->page_size &&
		a->len == b->len && memcmp(a->texts, b->texts, a->len) == 0;
}

uint32
keyapi_cache_key_hash(const KeyapiCacheKey *key)
{
	uint32		hash = hash_bytes(key->account.digest, KEYAPI_DIGEST_LEN);

	hash = hash_combine(hash, hash_bytes_uint32(key->page_size));
	return hash_combine(hash, hash_bytes((const unsigned char *) key->texts,
										 key->len));
}

const char *
keyapi_cache_key_path(const KeyapiCacheKey *key)
{
	return key->texts;
}

const char *
keyapi_cache_key_value(const KeyapiCacheKey *key, int param)
{
	const char *text = key->texts;

	/* the path comes first */
	for (int i = 0; i <= param; i++)
		text += strlen(text) + 1;
	return text;
}
