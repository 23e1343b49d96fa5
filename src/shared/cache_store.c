/*-------------------------------------------------------------------------
 *
 * cache_store.c
 *	  How the cache lies in memory, and what it drops to make room.
 *
 * What was not used for the longest time goes first, whole listings at a time:
 * see keyapi_cache_allocate.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache_store.h"

#include "miscadmin.h"

int			keyapi_cache_size_kb = 64 * 1024;

static Size
part_size(int nprocs)
{
	return sizeof(CachePart);
}

static Size
area_size(void)
{
	return (Size) keyapi_cache_size_kb * 1024;
}

const KeyapiSharedPart keyapi_cache_part = {
	.lock_name = "KeyapiCache",
	.size = part_size,
	.area_size = area_size,
};

/*
 * What an allocation of size bytes takes of the area, near enough: that gives
 * memory away by pages of 4 kB.
 */
static Size
taken_by(Size size)
{
	return TYPEALIGN(4096, size);
}

/* ---------------------------------------------------------------------
 * With the lock held
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

KeyapiCacheKey
keyapi_cache_key_of(const CachedListing *listing)
{
	return (KeyapiCacheKey)
	{
		listing->account, listing->page_size, listing->len, listing->texts
	};
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
	uint32		hash = keyapi_cache_key_hash(key);
	dsa_pointer pointer = part->chains[hash % KEYAPI_CACHE_CHAINS];

	while (DsaPointerIsValid(pointer))
	{
		CachedListing *listing = keyapi_cache_listing_at(pointer);
		const KeyapiCacheKey its_key = keyapi_cache_key_of(listing);

		if (listing->state == state && keyapi_cache_key_equal(&its_key, key))
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

CachedListing *
keyapi_cache_add_listing(CachePart *part, dsa_pointer pointer,
						 const KeyapiCacheKey *key, int ttl_ms)
{
	CachedListing *listing = keyapi_cache_listing_at(pointer);
	KeyapiCachedId id = {++part->listings, keyapi_cache_key_hash(key)};
	dsa_pointer *chain = &part->chains[id.hash % KEYAPI_CACHE_CHAINS];

	*listing = (CachedListing)
	{
		.next = *chain,
			.id = id,
			.state = CACHED_NEW,
			.role = GetUserId(),
			.ttl_ms = ttl_ms,
			.last_used = ++part->uses,
			.taken = taken_by(keyapi_cache_listing_size(key)),
			.account = key->account,
			.page_size = key->page_size,
			.len = key->len,
	};
	memcpy(listing->texts, key->texts, key->len);
	*chain = pointer;
	part->taken += listing->taken;
	return listing;
}

void
keyapi_cache_add_page(CachePart *part, CachedListing *listing,
					  dsa_pointer pointer)
{
	CachedPage *page = keyapi_cache_page_at(pointer);
	Size		taken = taken_by(keyapi_cache_page_size(page->len));

	page->next = listing->pages;
	listing->pages = pointer;
	listing->num_pages++;
	listing->taken += taken;
	part->taken += taken;
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

/*
 * Drop the listing that was not used for the longest time, but never the one
 * named keep.  False if there is no other.
 */
static bool
drop_oldest(CachePart *part, KeyapiCachedId keep)
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
 * Making room
 * ---------------------------------------------------------------------
 */

Size
keyapi_cache_listing_size(const KeyapiCacheKey *key)
{
	return offsetof(CachedListing, texts) + key->len;
}

Size
keyapi_cache_page_size(Size len)
{
	return offsetof(CachedPage, data) + len;
}

/*
 * Drop what is too much if size bytes are added for a listing, and one more
 * listing if that was not enough before.  False if that leaves no room.
 */
static bool
make_room(CachePart *part, Size size, KeyapiCachedId id, bool again)
{
	Size		limit = area_size();
	CachedListing *listing = keyapi_cache_find_id(part, id);

	if (part->size_kb != keyapi_cache_size_kb)
	{
		part->size_kb = keyapi_cache_size_kb;
		part->reported = false;
		keyapi_shared_limit(limit);
	}
	/* what can never fit is no reason to drop anything */
	if (size + (listing == NULL ? 0 : listing->taken) > limit)
		return false;
	if (again && !drop_oldest(part, id))
		return false;
	while (part->taken + size > limit)
	{
		if (!drop_oldest(part, id))
			return false;
	}
	return true;
}

static bool
lock_and_make_room(CachePart *part, Size size, KeyapiCachedId id, bool again)
{
	bool		enough;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	enough = make_room(part, taken_by(size), id, again);
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
