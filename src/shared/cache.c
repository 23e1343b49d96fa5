/*-------------------------------------------------------------------------
 *
 * cache.c
 *	  Pages that have been paid for: opening listings, reading and adding pages.
 *	  What is dropped to make room is decided in cache_room.c.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache.h"

#include <limits.h>

#include "utils/guc.h"

#include "shared/cache_room.h"
#include "shared/cache_store.h"

/* A page further down a list than this is not kept: it looks like an error. */
#define MAX_PAGE 100000

/* How long a list without items is served, in ms. */
#define EMPTY_LISTING_AGE (60 * 1000)

/* How long who opens a list works on a cache_size that was lowered, in ms. */
#define SHRINK_MS 50

static int	max_age_ms = -1;

/* ---------------------------------------------------------------------
 * Settings
 * ---------------------------------------------------------------------
 */

void
keyapi_cache_init(void)
{
	DefineCustomIntVariable("keyapi_fdw.cache_size",
							"Memory for pages that have been paid for.",
							"0 turns the cache off.",
							&keyapi_cache_size_kb, keyapi_cache_size_kb,
							0, MAX_KILOBYTES,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("keyapi_fdw.max_age",
							"Age up to which cached lists are served in this session.",
							"Lowers cache_ttl: -1 leaves it as it is, 0 asks for everything anew.",
							&max_age_ms, -1, -1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
}

bool
keyapi_cache_enabled(int ttl_ms)
{
	return ttl_ms > 0 && keyapi_cache_size_kb > 0;
}

bool
keyapi_cache_wants_fresh(void)
{
	return max_age_ms == 0;
}

/* ---------------------------------------------------------------------
 * Operations
 *
 * A process may fail to map the memory that others have allocated; then it does
 * without the cache.  So whatever follows a pointer into the area runs as a
 * function of its own, under keyapi_cache_attempt: each comes with a struct of
 * its arguments and results.
 * ---------------------------------------------------------------------
 */

static CachePart *
lock_part(LWLockMode mode)
{
	CachePart  *part = keyapi_shared_part(&keyapi_cache_part);

	LWLockAcquire(&part->lock, mode);
	return part;
}

/* ---------------------------------------------------------------------
 * Listings
 * ---------------------------------------------------------------------
 */

/*
 * For how long a list is served at most, in ms.  A list of the API is not empty
 * in fact: whatever went wrong may be over soon.
 */
static int
longest_age_ms(const CachedListing *listing)
{
	return listing->num_pages > 0 && listing->rows == 0 ?
		EMPTY_LISTING_AGE : PG_INT32_MAX;
}

/*
 * If the clock was put back, a listing may be of the future; but it must not
 * stay young until then.
 */
static bool
is_younger(const CachedListing *listing, int64 age_ms)
{
	int64		elapsed_us = GetCurrentTimestamp() - listing->fetched_at;

	return Max(elapsed_us, -elapsed_us) < age_ms * 1000;
}

/*
 * The listing to read: the present one if it is young enough, else the new one,
 * if there is any.
 */
static CachedListing *
find_usable(CachePart *part, const KeyapiCacheKey *key, int age_ms)
{
	CachedListing *listing = keyapi_cache_find_key(part, key, CACHED_PRESENT);

	if (listing != NULL)
		age_ms = Min(age_ms, longest_age_ms(listing));
	if (listing == NULL || age_ms <= 0 || !is_younger(listing, age_ms))
		listing = keyapi_cache_find_key(part, key, CACHED_NEW);
	return listing;
}

/*
 * The same, as used now.
 */
static KeyapiCachedId
use_usable(CachePart *part, const KeyapiCacheKey *key, int age_ms)
{
	CachedListing *listing = find_usable(part, key, age_ms);

	if (listing == NULL)
		return KEYAPI_NO_CACHED_ID;
	keyapi_cache_use(part, listing);
	return listing->id;
}

/*
 * cache_ttl as far as keyapi_fdw.max_age leaves it.
 */
static int
longest_age_in_session(int ttl_ms)
{
	return max_age_ms >= 0 ? Min(ttl_ms, max_age_ms) : ttl_ms;
}

typedef struct OpenCall
{
	const KeyapiCacheKey *key;
	int			ttl_ms;
	KeyapiCachedId id;			/* result */
} OpenCall;

static void
open_listing(void *arg)
{
	OpenCall   *call = arg;
	int			age_ms = longest_age_in_session(call->ttl_ms);
	CachePart  *part = lock_part(LW_SHARED);
	dsa_pointer pointer;

	call->id = use_usable(part, call->key, age_ms);
	LWLockRelease(&part->lock);
	if (call->id.number != 0)
		return;

	pointer = keyapi_cache_allocate(part, keyapi_cache_listing_size(call->key),
									KEYAPI_NO_CACHED_ID);
	if (!DsaPointerIsValid(pointer))
		return;

	part = lock_part(LW_EXCLUSIVE);
	call->id = use_usable(part, call->key, age_ms);
	if (call->id.number == 0)
		call->id = keyapi_cache_add_listing(part, pointer, call->key,
											call->ttl_ms)->id;
	else
		dsa_free(keyapi_shared_area(), pointer);	/* another was faster */
	LWLockRelease(&part->lock);
}

KeyapiCachedId
keyapi_cache_open(const KeyapiCacheKey *key, int ttl_ms)
{
	OpenCall	call = {key, ttl_ms};

	if (!keyapi_cache_enabled(ttl_ms))
		return KEYAPI_NO_CACHED_ID;
	keyapi_cache_shrink(SHRINK_MS);
	return keyapi_cache_attempt(open_listing, &call) ? call.id : KEYAPI_NO_CACHED_ID;
}

static void
find_listing(void *arg)
{
	OpenCall   *call = arg;
	CachePart  *part = lock_part(LW_SHARED);

	call->id = use_usable(part, call->key,
						  longest_age_in_session(call->ttl_ms));
	LWLockRelease(&part->lock);
}

KeyapiCachedId
keyapi_cache_find(const KeyapiCacheKey *key, int ttl_ms)
{
	OpenCall	call = {key, ttl_ms};

	if (keyapi_cache_enabled(ttl_ms) && keyapi_cache_attempt(find_listing, &call))
		return call.id;
	return KEYAPI_NO_CACHED_ID;
}

typedef struct FindStaleCall
{
	const KeyapiCacheKey *key;
	int			age_ms;
	int			number;
	KeyapiStaleListing stale;	/* result */
} FindStaleCall;

static int
highest_page(const CachedListing *listing)
{
	int			highest = 0;
	dsa_pointer pointer = listing->pages;

	while (DsaPointerIsValid(pointer))
	{
		const CachedPage *page = keyapi_cache_page_at(pointer);

		highest = Max(highest, page->number);
		pointer = page->next;
	}
	return highest;
}

static void
find_stale(void *arg)
{
	FindStaleCall *call = arg;
	CachePart  *part = lock_part(LW_SHARED);

	for (CachedState state = CACHED_PRESENT;
		 state <= CACHED_REPLACED && call->stale.id.number == 0; state++)
	{
		CachedListing *listing = keyapi_cache_find_key(part, call->key, state);

		if (listing == NULL || !is_younger(listing, call->age_ms) ||
			keyapi_cache_find_page(listing, call->number) == NULL)
			continue;
		keyapi_cache_use(part, listing);
		call->stale = (KeyapiStaleListing)
		{
			listing->id, highest_page(listing), listing->fetched_at
		};
	}
	LWLockRelease(&part->lock);
}

bool
keyapi_cache_find_stale(const KeyapiCacheKey *key, int age_ms, int number,
						KeyapiStaleListing *stale)
{
	FindStaleCall call = {key, age_ms, number};

	if (!keyapi_cache_attempt(find_stale, &call) || call.stale.id.number == 0)
		return false;
	*stale = call.stale;
	return true;
}

/* ---------------------------------------------------------------------
 * Reading pages
 * ---------------------------------------------------------------------
 */

typedef struct HasCall
{
	KeyapiCachedId id;
	int			number;
	bool		has;			/* results */
	int			last_page;
	bool		complete;
} HasCall;

static void
look_for_page(void *arg)
{
	HasCall    *call = arg;
	CachePart  *part = lock_part(LW_SHARED);
	const CachedListing *listing = keyapi_cache_find_id(part, call->id);

	if (listing != NULL)
	{
		call->has = keyapi_cache_find_page(listing, call->number) != NULL;
		call->last_page = listing->last_page;
		call->complete = keyapi_cache_is_complete(listing);
	}
	LWLockRelease(&part->lock);
}

bool
keyapi_cache_has(KeyapiCachedId id, int number, int *last_page, bool *complete)
{
	HasCall		call = {id, number};

	if (id.number != 0)
		(void) keyapi_cache_attempt(look_for_page, &call);
	*last_page = call.last_page;
	*complete = call.complete;
	return call.has;
}

typedef struct GetCall
{
	KeyapiCachedId id;
	int			number;
	KeyapiLookup lookup;		/* results */
	KeyapiStoredPage page;
} GetCall;

static KeyapiStoredPage
copy_page(const CachedListing *listing, const CachedPage *page)
{
	char	   *data = palloc(page->len);

	memcpy(data, page->data, page->len);
	return (KeyapiStoredPage)
	{
		.data = data,
			.len = page->len,
			.rows = page->rows,
			.last = page->number == listing->last_page,
			.total_pages = listing->total_pages,
			.fetched_at = page->fetched_at,
	};
}

static void
get_page(void *arg)
{
	GetCall    *call = arg;
	CachePart  *part = lock_part(LW_SHARED);
	const CachedListing *listing = keyapi_cache_find_id(part, call->id);
	const CachedPage *page = listing == NULL ? NULL :
	keyapi_cache_find_page(listing, call->number);

	if (page != NULL)
	{
		call->lookup = KEYAPI_LOOKUP_FOUND;
		call->page = copy_page(listing, page);
	}
	else
		call->lookup = listing == NULL ? KEYAPI_LOOKUP_GONE :
			KEYAPI_LOOKUP_MISSING;
	LWLockRelease(&part->lock);
}

KeyapiLookup
keyapi_cache_get(KeyapiCachedId id, int number, KeyapiStoredPage *page)
{
	GetCall		call = {id, number};

	if (id.number == 0 || !keyapi_cache_attempt(get_page, &call))
		return KEYAPI_LOOKUP_GONE;
	*page = call.page;
	return call.lookup;
}

/* ---------------------------------------------------------------------
 * Adding pages
 * ---------------------------------------------------------------------
 */

typedef struct PutCall
{
	KeyapiCachedId id;
	int			number;
	const KeyapiStoredPage *page;
} PutCall;

/*
 * A new listing gets its first page: it takes the place of the present one, which
 * stays in place of the one before, unless less of it is there.
 */
static void
make_present(CachePart *part, CachedListing *listing)
{
	const KeyapiCacheKey key = keyapi_cache_key_of(listing);
	CachedListing *present = keyapi_cache_find_key(part, &key, CACHED_PRESENT);
	CachedListing *replaced = keyapi_cache_find_key(part, &key, CACHED_REPLACED);

	listing->state = CACHED_PRESENT;
	if (present == NULL)
		return;
	if (replaced != NULL && keyapi_cache_is_complete(replaced) &&
		!keyapi_cache_is_complete(present))
	{
		keyapi_cache_drop(part, present);
		return;
	}
	if (replaced != NULL)
		keyapi_cache_drop(part, replaced);
	present->state = CACHED_REPLACED;
}

/*
 * Let a listing, to which a page was added, say what the page tells of it.
 */
static void
count_page(CachePart *part, CachedListing *listing, const PutCall *call)
{
	const KeyapiStoredPage *page = call->page;

	listing->rows += page->rows;
	listing->bytes += page->len;
	listing->total_pages = page->total_pages;
	/* pages beyond the end say that they are the last one, too */
	if (page->last &&
		(listing->last_page == 0 || call->number < listing->last_page))
		listing->last_page = call->number;
	if (listing->state == CACHED_NEW)
	{
		listing->fetched_at = page->fetched_at;
		make_present(part, listing);
	}
	else						/* an HTTP cache may have had it for long */
		listing->fetched_at = Min(listing->fetched_at, page->fetched_at);
}

static void
drop_by_id(KeyapiCachedId id)
{
	CachePart  *part = lock_part(LW_EXCLUSIVE);
	CachedListing *listing = keyapi_cache_find_id(part, id);

	if (listing != NULL)
		keyapi_cache_drop(part, listing);
	LWLockRelease(&part->lock);
}

/*
 * Make a page, which no listing has yet.  InvalidDsaPointer if there is no memory
 * for it.
 */
static dsa_pointer
make_page(const PutCall *call)
{
	const KeyapiStoredPage *stored = call->page;
	dsa_pointer pointer =
	keyapi_cache_allocate(keyapi_shared_part(&keyapi_cache_part),
						  keyapi_cache_page_size(stored->len), call->id);
	CachedPage *page;

	if (!DsaPointerIsValid(pointer))
		return pointer;
	page = keyapi_cache_page_at(pointer);
	page->number = call->number;
	page->rows = stored->rows;
	page->fetched_at = stored->fetched_at;
	page->len = stored->len;
	memcpy(page->data, stored->data, stored->len);
	return pointer;
}

static void
put_page(void *arg)
{
	const PutCall *call = arg;
	dsa_pointer pointer = make_page(call);
	CachePart  *part;
	CachedListing *listing;

	if (!DsaPointerIsValid(pointer))
	{
		drop_by_id(call->id);
		return;
	}
	part = lock_part(LW_EXCLUSIVE);
	listing = keyapi_cache_find_id(part, call->id);
	if (listing != NULL && keyapi_cache_find_page(listing, call->number) == NULL)
	{
		keyapi_cache_add_page(part, listing, pointer);
		count_page(part, listing, call);
	}
	else
		dsa_free(keyapi_shared_area(), pointer);
	LWLockRelease(&part->lock);
}

void
keyapi_cache_put(KeyapiCachedId id, int number, const KeyapiStoredPage *page)
{
	PutCall		call = {id, number, page};

	if (id.number != 0 && number <= MAX_PAGE)
		(void) keyapi_cache_attempt(put_page, &call);
}

/* ---------------------------------------------------------------------
 * For the administrator
 * ---------------------------------------------------------------------
 */

static void
drop_all(void *arg)
{
	CachePart  *part = lock_part(LW_EXCLUSIVE);

	keyapi_cache_drop_all(part);
	part->reported = false;
	LWLockRelease(&part->lock);
}

void
keyapi_cache_clear(void)
{
	if (keyapi_cache_attempt(drop_all, NULL))
		keyapi_cache_shrink(INT_MAX);
}

static KeyapiCachedListingInfo
info_of(const CachedListing *listing)
{
	const KeyapiCacheKey key = keyapi_cache_key_of(listing);

	return (KeyapiCachedListingInfo)
	{
		.key = keyapi_cache_key_copy(&key, CurrentMemoryContext),
			.role = listing->role,
			.pages = listing->num_pages,
			.total_pages = listing->last_page != 0 ? listing->last_page :
			listing->total_pages,
			.rows = listing->rows,
			.bytes = listing->bytes,
			.fetched_at = listing->fetched_at,
			.expires_at = listing->fetched_at +
			Min(listing->ttl_ms, longest_age_ms(listing)) * INT64CONST(1000),
	};
}

KeyapiCachedListingInfo *
keyapi_cache_list(int *n)
{
	int			size = 64;
	KeyapiCachedListingInfo *infos = palloc(sizeof(KeyapiCachedListingInfo) * size);
	CachePart  *part = lock_part(LW_SHARED);

	*n = 0;
	for (int kind = 0; kind < CACHED_KINDS; kind++)
	{
		dsa_pointer pointer = part->queues[kind].newest;

		while (DsaPointerIsValid(pointer))
		{
			const CachedListing *listing = keyapi_cache_listing_at(pointer);

			if (*n == size)
			{
				size *= 2;
				infos = repalloc_huge(infos, sizeof(KeyapiCachedListingInfo) * size);
			}
			infos[(*n)++] = info_of(listing);
			pointer = listing->older;
		}
	}
	LWLockRelease(&part->lock);
	return infos;
}
