/*-------------------------------------------------------------------------
 *
 * cache.c
 *	  Pages that have been paid for, for all sessions.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache_internal.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "shared/shared_memory.h"

/* A page further down a list than this is not kept, for it looks like an error. */
#define MAX_PAGE 100000

static int	cache_size_kb = 64 * 1024;
static int	max_age = -1;

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
							&cache_size_kb, 64 * 1024, 0, MAX_KILOBYTES,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("keyapi_fdw.max_age",
							"Age up to which cached lists are served in this session.",
							"Lowers cache_ttl: -1 leaves it as it is, 0 asks for everything anew.",
							&max_age, -1, -1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
}

int
keyapi_cache_size_kb(void)
{
	return cache_size_kb;
}

bool
keyapi_cache_enabled(int ttl_ms)
{
	return ttl_ms > 0 && cache_size_kb > 0;
}

static Size
part_size(int nprocs)
{
	return sizeof(CachePart);
}

static Size
area_size(void)
{
	return (Size) cache_size_kb * 1024;
}

const KeyapiSharedPart keyapi_cache_part = {
	.lock_name = "KeyapiCache",
	.size = part_size,
	.area_size = area_size,
};

static CachePart *
cache_part(void)
{
	return keyapi_shared_part(&keyapi_cache_part);
}

/*
 * If the clock was put back, a snapshot may be of the future; but it must not
 * stay young until then.
 */
static bool
is_younger(const CachedListing *listing, int64 age)
{
	int64		elapsed = GetCurrentTimestamp() - listing->fetched_at;

	return Max(elapsed, -elapsed) < age * 1000;
}

/*
 * A call from outside: what is given, and what comes of it.  A process may fail
 * to map the memory that others have allocated; then it does without the cache.
 */
typedef struct Call
{
	const KeyapiCacheKey *key;
	int			age;			/* ms */
	KeyapiCachedId id;
	int			page;
	const KeyapiBody *new_body;
	KeyapiBody *body;
	TimestampTz *fetched_at;
	KeyapiLookup lookup;
	bool		has;
	int			last_page;
} Call;

static bool
perform(void (*function) (void *), Call *call)
{
	const char *why;
	bool		succeeded = keyapi_shared_attempt(function, call, &why);

	if (!succeeded)
		keyapi_cache_report(why);
	return succeeded;
}

/* ---------------------------------------------------------------------
 * Snapshots
 * ---------------------------------------------------------------------
 */

/*
 * The snapshot to read: the present one if it is young enough, else the new
 * one, if there is any.
 */
static KeyapiCachedId
find_usable(CachePart *part, const KeyapiCacheKey *key, int64 age)
{
	CachedListing *listing = keyapi_cache_find_key(part, key, CACHED_PRESENT);

	if (listing == NULL || age <= 0 || !is_younger(listing, age))
		listing = keyapi_cache_find_key(part, key, CACHED_NEW);
	if (listing == NULL)
		return KEYAPI_NO_CACHED_ID;
	listing->last_used = ++part->uses;
	return listing->id;
}

static KeyapiCachedId
link_new(CachePart *part, dsa_pointer pointer, Size size,
		 const KeyapiCacheKey *key, int ttl_ms)
{
	CachedListing *listing = keyapi_cache_listing_at(pointer);
	KeyapiCachedId id = {++part->listings, keyapi_cache_hash(key)};
	dsa_pointer *chain = &part->chains[id.hash % KEYAPI_CACHE_CHAINS];

	*listing = (CachedListing)
	{
		.next = *chain,
			.id = id,
			.state = CACHED_NEW,
			.role = GetUserId(),
			.ttl_ms = ttl_ms,
			.last_used = ++part->uses,
			.taken = KEYAPI_CACHE_TAKEN(size),
			.account = key->account,
	};
	strcpy(listing->list, key->list);
	*chain = pointer;
	part->taken += listing->taken;
	return id;
}

static void
open_statement_list(void *arg)
{
	Call	   *call = arg;
	const KeyapiCacheKey *key = call->key;
	int64		age = max_age >= 0 ? Min(call->age, max_age) : call->age;
	Size		size = offsetof(CachedListing, list) + strlen(key->list) + 1;
	CachePart  *part = cache_part();
	dsa_pointer pointer;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	call->id = find_usable(part, key, age);
	LWLockRelease(&part->lock);
	if (call->id.number != 0)
		return;

	pointer = keyapi_cache_allocate(part, size, call->id);
	if (!DsaPointerIsValid(pointer))
		return;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	call->id = find_usable(part, key, age);
	if (call->id.number == 0)
		call->id = link_new(part, pointer, size, key, call->age);
	else
		dsa_free(keyapi_shared_area(), pointer);	/* another was faster */
	LWLockRelease(&part->lock);
}

KeyapiCachedId
keyapi_cache_open(const KeyapiCacheKey *key, int ttl_ms)
{
	Call		call = {.key = key,.age = ttl_ms};

	if (keyapi_cache_enabled(ttl_ms) && perform(open_statement_list, &call))
		return call.id;
	return KEYAPI_NO_CACHED_ID;
}

static void
find_stale(void *arg)
{
	Call	   *call = arg;
	CachePart  *part = cache_part();

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	for (CachedState state = CACHED_PRESENT;
		 state <= CACHED_REPLACED && call->id.number == 0; state++)
	{
		CachedListing *listing = keyapi_cache_find_key(part, call->key, state);

		if (listing == NULL || !keyapi_cache_is_complete(listing) ||
			!is_younger(listing, call->age))
			continue;
		listing->last_used = ++part->uses;
		call->id = listing->id;
		*call->fetched_at = listing->fetched_at;
	}
	LWLockRelease(&part->lock);
}

KeyapiCachedId
keyapi_cache_find_stale(const KeyapiCacheKey *key, int age,
						TimestampTz *fetched_at)
{
	Call		call = {.key = key,.age = age,.fetched_at = fetched_at};

	return perform(find_stale, &call) ? call.id : KEYAPI_NO_CACHED_ID;
}

/* ---------------------------------------------------------------------
 * Pages
 * ---------------------------------------------------------------------
 */

static void
look_for_page(void *arg)
{
	Call	   *call = arg;
	CachePart  *part = cache_part();
	CachedListing *listing;

	LWLockAcquire(&part->lock, LW_SHARED);
	listing = keyapi_cache_find_id(part, call->id);
	if (listing != NULL)
	{
		call->has = keyapi_cache_find_page(listing, call->page) != NULL;
		call->last_page = listing->last_page;
	}
	LWLockRelease(&part->lock);
}

bool
keyapi_cache_has(KeyapiCachedId id, int page, int *last_page)
{
	Call		call = {.id = id,.page = page};

	if (id.number != 0)
		(void) perform(look_for_page, &call);
	*last_page = call.last_page;
	return call.has;
}

static void
get_page(void *arg)
{
	Call	   *call = arg;
	CachePart  *part = cache_part();
	CachedListing *listing;
	CachedPage *page = NULL;

	LWLockAcquire(&part->lock, LW_SHARED);
	listing = keyapi_cache_find_id(part, call->id);
	call->lookup = KEYAPI_LOOKUP_GONE;
	if (listing != NULL)
	{
		page = keyapi_cache_find_page(listing, call->page);
		call->lookup = page != NULL ? KEYAPI_LOOKUP_FOUND : KEYAPI_LOOKUP_MISSING;
	}
	if (page != NULL)
	{
		char	   *data = palloc(page->len);

		memcpy(data, page->data, page->len);
		*call->body = (KeyapiBody)
		{
			.data = data,
				.len = page->len,
				.rows = page->rows,
				.last = page->number == listing->last_page,
				.total_pages = listing->total_pages,
				.fetched_at = page->fetched_at,
		};
	}
	LWLockRelease(&part->lock);
}

KeyapiLookup
keyapi_cache_get(KeyapiCachedId id, int number, KeyapiBody *body)
{
	Call		call = {.id = id,.page = number,.body = body};

	return id.number != 0 && perform(get_page, &call) ? call.lookup :
		KEYAPI_LOOKUP_GONE;
}

/*
 * A new snapshot gets its first page: it takes the place of the present one,
 * which stays if it is complete.
 */
static void
make_present(CachePart *part, CachedListing *listing)
{
	const KeyapiCacheKey key = {listing->account, listing->list};
	CachedListing *present = keyapi_cache_find_key(part, &key, CACHED_PRESENT);
	CachedListing *replaced = keyapi_cache_find_key(part, &key, CACHED_REPLACED);

	listing->state = CACHED_PRESENT;
	if (present == NULL)
		return;
	if (!keyapi_cache_is_complete(present))
	{
		keyapi_cache_drop(part, present);
		return;
	}
	if (replaced != NULL)
		keyapi_cache_drop(part, replaced);
	present->state = CACHED_REPLACED;
}

/*
 * Add a page to a snapshot that does not have it.
 */
static void
link_page(CachePart *part, CachedListing *listing, dsa_pointer pointer,
		  const KeyapiBody *body, Size size)
{
	CachedPage *page = keyapi_cache_page_at(pointer);

	page->next = listing->pages;
	listing->pages = pointer;
	listing->num_pages++;
	listing->rows += body->rows;
	listing->bytes += body->len;
	listing->taken += KEYAPI_CACHE_TAKEN(size);
	part->taken += KEYAPI_CACHE_TAKEN(size);
	listing->last_used = ++part->uses;
	listing->total_pages = body->total_pages;
	/* pages beyond the end say that they are the last one, too */
	if (body->last &&
		(listing->last_page == 0 || page->number < listing->last_page))
		listing->last_page = page->number;
	if (listing->state == CACHED_NEW)
	{
		listing->fetched_at = body->fetched_at;
		make_present(part, listing);
	}
}

static void
drop_by_id(CachePart *part, KeyapiCachedId id)
{
	CachedListing *listing;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	listing = keyapi_cache_find_id(part, id);
	if (listing != NULL)
		keyapi_cache_drop(part, listing);
	LWLockRelease(&part->lock);
}

static void
put_page(void *arg)
{
	Call	   *call = arg;
	const KeyapiBody *body = call->new_body;
	Size		size = offsetof(CachedPage, data) + body->len;
	CachePart  *part = cache_part();
	CachedListing *listing;
	CachedPage *page;
	dsa_pointer pointer;

	pointer = keyapi_cache_allocate(part, size, call->id);
	if (!DsaPointerIsValid(pointer))
	{
		drop_by_id(part, call->id);
		return;
	}
	page = keyapi_cache_page_at(pointer);
	page->number = call->page;
	page->rows = body->rows;
	page->fetched_at = body->fetched_at;
	page->len = body->len;
	memcpy(page->data, body->data, body->len);

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	listing = keyapi_cache_find_id(part, call->id);
	if (listing != NULL &&
		keyapi_cache_find_page(listing, call->page) == NULL)
		link_page(part, listing, pointer, body, size);
	else
		dsa_free(keyapi_shared_area(), pointer);
	LWLockRelease(&part->lock);
}

void
keyapi_cache_put(KeyapiCachedId id, int number, const KeyapiBody *body)
{
	Call		call = {.id = id,.page = number,.new_body = body};

	if (id.number != 0 && number <= MAX_PAGE)
		(void) perform(put_page, &call);
}

/* ---------------------------------------------------------------------
 * For the administrator
 * ---------------------------------------------------------------------
 */

void
keyapi_cache_clear(void)
{
	CachePart  *part = cache_part();

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	for (int i = 0; i < KEYAPI_CACHE_CHAINS; i++)
	{
		while (DsaPointerIsValid(part->chains[i]))
			keyapi_cache_drop(part, keyapi_cache_listing_at(part->chains[i]));
	}
	part->reported = false;
	LWLockRelease(&part->lock);
}

static KeyapiCachedListingInfo
info_of(const CachedListing *listing)
{
	return (KeyapiCachedListingInfo)
	{
		.list = pstrdup(listing->list),
			.role = listing->role,
			.pages = listing->num_pages,
			.total_pages = listing->last_page != 0 ? listing->last_page :
			listing->total_pages,
			.rows = listing->rows,
			.bytes = listing->bytes,
			.fetched_at = listing->fetched_at,
			.expires_at = listing->fetched_at + listing->ttl_ms * INT64CONST(1000),
	};
}

KeyapiCachedListingInfo *
keyapi_cache_list(int *n)
{
	CachePart  *part = cache_part();
	int			size = 64;
	KeyapiCachedListingInfo *infos = palloc(sizeof(KeyapiCachedListingInfo) * size);

	*n = 0;
	LWLockAcquire(&part->lock, LW_SHARED);
	for (int i = 0; i < KEYAPI_CACHE_CHAINS; i++)
	{
		dsa_pointer pointer = part->chains[i];

		while (DsaPointerIsValid(pointer))
		{
			CachedListing *listing = keyapi_cache_listing_at(pointer);

			if (*n == size)
			{
				size *= 2;
				infos = repalloc_huge(infos, sizeof(KeyapiCachedListingInfo) * size);
			}
			infos[(*n)++] = info_of(listing);
			pointer = listing->next;
		}
	}
	LWLockRelease(&part->lock);
	return infos;
}
