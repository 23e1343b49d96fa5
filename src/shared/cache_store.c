/*-------------------------------------------------------------------------
 *
 * cache_store.c
 *	  How the cache lies in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache_internal.h"

#include "common/hashfn.h"

#include "shared/shared_memory.h"

/* ---------------------------------------------------------------------
 * Under the lock
 * ---------------------------------------------------------------------
 */

CachedListing *
keyapi_cache_listing_at(dsa_pointer pointer)
{
	return dsa_get_address(keyapi_shared_area(), pointer);
}

CachedPage *
keyapi_cache_page_at(dsa_pointer pointer)
{
	return dsa_get_address(keyapi_shared_area(), pointer);
}

uint32
keyapi_cache_hash(const KeyapiCacheKey *key)
{
	return hash_combine(hash_bytes(key->account.digest, KEYAPI_DIGEST_LEN),
						hash_bytes((const unsigned char *) key->list,
								   strlen(key->list)));
}

static bool
has_key(const CachedListing *listing, const KeyapiCacheKey *key)
{
	return memcmp(&listing->account, &key->account, sizeof(KeyapiAccountId)) == 0 &&
		strcmp(listing->list, key->list) == 0;
}

CachedListing *
keyapi_cache_find_id(CachePart *part, KeyapiCachedId id)
{
	dsa_pointer pointer = part->chains[id.hash % KEYAPI_CACHE_CHAINS];

	while (DsaPointerIsValid(pointer))
	{
		CachedListing *listing = keyapi_cache_listing_at(pointer);

		if (listing->id.number == id.number)
			return listing;
		pointer = listing->next;
	}
	return NULL;
}

CachedListing *
keyapi_cache_find_key(CachePart *part, const KeyapiCacheKey *key,
					  CachedState state)
{
	dsa_pointer pointer = part->chains[keyapi_cache_hash(key) % KEYAPI_CACHE_CHAINS];

	while (DsaPointerIsValid(pointer))
	{
		CachedListing *listing = keyapi_cache_listing_at(pointer);

		if (listing->state == state && has_key(listing, key))
			return listing;
		pointer = listing->next;
	}
	return NULL;
}

CachedPage *
keyapi_cache_find_page(const CachedListing *listing, int number)
{
	dsa_pointer pointer = listing->pages;

	while (DsaPointerIsValid(pointer))
	{
		CachedPage *page = keyapi_cache_page_at(pointer);

		if (page->number == number)
			return page;
		pointer = page->next;
	}
	return NULL;
}

/*
 * Whether all pages of the list are there.
 */
bool
keyapi_cache_is_complete(const CachedListing *listing)
{
	dsa_pointer pointer = listing->pages;
	int			present = 0;

	if (listing->last_page == 0)
		return false;
	while (DsaPointerIsValid(pointer))
	{
		CachedPage *page = keyapi_cache_page_at(pointer);

		if (page->number <= listing->last_page)
			present++;
		pointer = page->next;
	}
	return present == listing->last_page;
}

void
keyapi_cache_drop(CachePart *part, CachedListing *listing)
{
	dsa_area   *area = keyapi_shared_area();
	dsa_pointer *link = &part->chains[listing->id.hash % KEYAPI_CACHE_CHAINS];
	dsa_pointer pointer;
	dsa_pointer page;

	while (keyapi_cache_listing_at(*link) != listing)
		link = &keyapi_cache_listing_at(*link)->next;
	pointer = *link;
	*link = listing->next;
	part->taken -= listing->taken;

	page = listing->pages;
	while (DsaPointerIsValid(page))
	{
		dsa_pointer next = keyapi_cache_page_at(page)->next;

		dsa_free(area, page);
		page = next;
	}
	dsa_free(area, pointer);
}

bool
keyapi_cache_drop_oldest(CachePart *part, KeyapiCachedId keep)
{
	CachedListing *oldest = NULL;

	for (int i = 0; i < KEYAPI_CACHE_CHAINS; i++)
	{
		dsa_pointer pointer = part->chains[i];

		while (DsaPointerIsValid(pointer))
		{
			CachedListing *listing = keyapi_cache_listing_at(pointer);

			if (listing->id.number != keep.number &&
				(oldest == NULL || listing->last_used < oldest->last_used))
				oldest = listing;
			pointer = listing->next;
		}
	}
	if (oldest == NULL)
		return false;
	keyapi_cache_drop(part, oldest);
	return true;
}

/* ---------------------------------------------------------------------
 * Memory
 * ---------------------------------------------------------------------
 */

/*
 * Drop what is too much if size bytes are added for the snapshot, and one more
 * if that was not enough before.  False if that leaves no room.
 */
static bool
make_room(CachePart *part, Size size, KeyapiCachedId id, bool again)
{
	Size		limit = (Size) keyapi_cache_size_kb() * 1024;
	CachedListing *listing = keyapi_cache_find_id(part, id);

	if (part->size_kb != keyapi_cache_size_kb())
	{
		part->size_kb = keyapi_cache_size_kb();
		part->reported = false;
		keyapi_shared_limit(limit);
	}
	/* what can never fit is no reason to drop anything */
	if (size + (listing == NULL ? 0 : listing->taken) > limit)
		return false;
	if (again && !keyapi_cache_drop_oldest(part, id))
		return false;
	while (part->taken + size > limit)
	{
		if (!keyapi_cache_drop_oldest(part, id))
			return false;
	}
	return true;
}

static bool
lock_and_make_room(CachePart *part, Size size, KeyapiCachedId id, bool again)
{
	bool		enough;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	enough = make_room(part, KEYAPI_CACHE_TAKEN(size), id, again);
	LWLockRelease(&part->lock);
	return enough;
}

void
keyapi_cache_report(const char *why)
{
	CachePart  *part = keyapi_shared_part(&keyapi_cache_part);
	bool		reported;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	reported = part->reported;
	part->reported = true;
	LWLockRelease(&part->lock);
	if (!reported)
		ereport(LOG,
				(errmsg("keyapi_fdw cannot cache a page: %s", why),
				 errdetail("Queries go on without. This is not reported again until keyapi_fdw.cache_size changes or the cache is cleared."),
				 errhint("Raise keyapi_fdw.cache_size, or make more shared memory available.")));
}

dsa_pointer
keyapi_cache_allocate(CachePart *part, Size size, KeyapiCachedId id)
{
	const char *why = "keyapi_fdw.cache_size is too small";
	bool		again = false;

	while (lock_and_make_room(part, size, id, again))
	{
		dsa_pointer pointer = keyapi_shared_allocate(size, &why);

		if (DsaPointerIsValid(pointer))
			return pointer;
		again = true;
	}

	keyapi_cache_report(why);
	return InvalidDsaPointer;
}
