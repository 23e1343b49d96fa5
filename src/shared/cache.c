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
keyapi_cache_enabled(int ttl)
{
	return ttl > 0 && cache_size_kb > 0;
}

Size
keyapi_cache_part_size(int nprocs)
{
	return sizeof(CachePart);
}

static CachePart *
cache_part(void)
{
	return keyapi_shared_part(KEYAPI_PART_CACHE);
}

/*
 * If the clock was put back, a snapshot may be of the future; but it must not
 * stay young until then.
 */
static bool
is_younger(const CachedSnapshot *snapshot, int64 age)
{
	int64		elapsed = GetCurrentTimestamp() - snapshot->fetched_at;

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
	KeyapiSnapshotId id;
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
static KeyapiSnapshotId
find_usable(CachePart *part, const KeyapiCacheKey *key, int64 age)
{
	CachedSnapshot *snapshot = keyapi_cache_find_key(part, key, CACHED_PRESENT);

	if (snapshot == NULL || age <= 0 || !is_younger(snapshot, age))
		snapshot = keyapi_cache_find_key(part, key, CACHED_NEW);
	if (snapshot == NULL)
		return KEYAPI_NO_SNAPSHOT;
	snapshot->last_used = ++part->uses;
	return snapshot->id;
}

static KeyapiSnapshotId
link_new(CachePart *part, dsa_pointer pointer, Size size,
		 const KeyapiCacheKey *key, int ttl)
{
	CachedSnapshot *snapshot = keyapi_cache_snapshot_at(pointer);
	KeyapiSnapshotId id = {++part->snapshots, keyapi_cache_hash(key)};
	dsa_pointer *chain = &part->chains[id.hash % KEYAPI_CACHE_CHAINS];

	*snapshot = (CachedSnapshot)
	{
		.next = *chain,
			.id = id,
			.state = CACHED_NEW,
			.role = GetUserId(),
			.ttl = ttl,
			.last_used = ++part->uses,
			.taken = KEYAPI_CACHE_TAKEN(size),
			.account = key->account,
	};
	strcpy(snapshot->list, key->list);
	*chain = pointer;
	part->taken += snapshot->taken;
	return id;
}

static void
open_snapshot(void *arg)
{
	Call	   *call = arg;
	const KeyapiCacheKey *key = call->key;
	int64		age = max_age >= 0 ? Min(call->age, max_age) : call->age;
	Size		size = offsetof(CachedSnapshot, list) + strlen(key->list) + 1;
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

KeyapiSnapshotId
keyapi_cache_open(const KeyapiCacheKey *key, int ttl)
{
	Call		call = {.key = key,.age = ttl};

	if (keyapi_cache_enabled(ttl) && perform(open_snapshot, &call))
		return call.id;
	return KEYAPI_NO_SNAPSHOT;
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
		CachedSnapshot *snapshot = keyapi_cache_find_key(part, call->key, state);

		if (snapshot == NULL || !keyapi_cache_is_complete(snapshot) ||
			!is_younger(snapshot, call->age))
			continue;
		snapshot->last_used = ++part->uses;
		call->id = snapshot->id;
		*call->fetched_at = snapshot->fetched_at;
	}
	LWLockRelease(&part->lock);
}

KeyapiSnapshotId
keyapi_cache_find_stale(const KeyapiCacheKey *key, int age,
						TimestampTz *fetched_at)
{
	Call		call = {.key = key,.age = age,.fetched_at = fetched_at};

	return perform(find_stale, &call) ? call.id : KEYAPI_NO_SNAPSHOT;
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
	CachedSnapshot *snapshot;

	LWLockAcquire(&part->lock, LW_SHARED);
	snapshot = keyapi_cache_find_id(part, call->id);
	if (snapshot != NULL)
	{
		call->has = keyapi_cache_find_page(snapshot, call->page) != NULL;
		call->last_page = snapshot->last_page;
	}
	LWLockRelease(&part->lock);
}

bool
keyapi_cache_has(KeyapiSnapshotId id, int page, int *last_page)
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
	CachedSnapshot *snapshot;
	CachedPage *page = NULL;

	LWLockAcquire(&part->lock, LW_SHARED);
	snapshot = keyapi_cache_find_id(part, call->id);
	call->lookup = KEYAPI_LOOKUP_GONE;
	if (snapshot != NULL)
	{
		page = keyapi_cache_find_page(snapshot, call->page);
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
				.last = page->number == snapshot->last_page,
				.total_pages = snapshot->total_pages,
				.fetched_at = page->fetched_at,
		};
	}
	LWLockRelease(&part->lock);
}

KeyapiLookup
keyapi_cache_get(KeyapiSnapshotId id, int number, KeyapiBody *body)
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
make_present(CachePart *part, CachedSnapshot *snapshot)
{
	const KeyapiCacheKey key = {snapshot->account, snapshot->list};
	CachedSnapshot *present = keyapi_cache_find_key(part, &key, CACHED_PRESENT);
	CachedSnapshot *replaced = keyapi_cache_find_key(part, &key, CACHED_REPLACED);

	snapshot->state = CACHED_PRESENT;
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
link_page(CachePart *part, CachedSnapshot *snapshot, dsa_pointer pointer,
		  const KeyapiBody *body, Size size)
{
	CachedPage *page = keyapi_cache_page_at(pointer);

	page->next = snapshot->pages;
	snapshot->pages = pointer;
	snapshot->num_pages++;
	snapshot->rows += body->rows;
	snapshot->bytes += body->len;
	snapshot->taken += KEYAPI_CACHE_TAKEN(size);
	part->taken += KEYAPI_CACHE_TAKEN(size);
	snapshot->last_used = ++part->uses;
	snapshot->total_pages = body->total_pages;
	/* pages beyond the end say that they are the last one, too */
	if (body->last &&
		(snapshot->last_page == 0 || page->number < snapshot->last_page))
		snapshot->last_page = page->number;
	if (snapshot->state == CACHED_NEW)
	{
		snapshot->fetched_at = body->fetched_at;
		make_present(part, snapshot);
	}
}

static void
drop_by_id(CachePart *part, KeyapiSnapshotId id)
{
	CachedSnapshot *snapshot;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	snapshot = keyapi_cache_find_id(part, id);
	if (snapshot != NULL)
		keyapi_cache_drop(part, snapshot);
	LWLockRelease(&part->lock);
}

static void
put_page(void *arg)
{
	Call	   *call = arg;
	const KeyapiBody *body = call->new_body;
	Size		size = offsetof(CachedPage, data) + body->len;
	CachePart  *part = cache_part();
	CachedSnapshot *snapshot;
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
	snapshot = keyapi_cache_find_id(part, call->id);
	if (snapshot != NULL &&
		keyapi_cache_find_page(snapshot, call->page) == NULL)
		link_page(part, snapshot, pointer, body, size);
	else
		dsa_free(keyapi_shared_area(), pointer);
	LWLockRelease(&part->lock);
}

void
keyapi_cache_put(KeyapiSnapshotId id, int number, const KeyapiBody *body)
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
			keyapi_cache_drop(part, keyapi_cache_snapshot_at(part->chains[i]));
	}
	part->reported = false;
	LWLockRelease(&part->lock);
}

static KeyapiSnapshotInfo
info_of(const CachedSnapshot *snapshot)
{
	return (KeyapiSnapshotInfo)
	{
		.list = pstrdup(snapshot->list),
			.role = snapshot->role,
			.pages = snapshot->num_pages,
			.total_pages = snapshot->last_page != 0 ? snapshot->last_page :
			snapshot->total_pages,
			.rows = snapshot->rows,
			.bytes = snapshot->bytes,
			.fetched_at = snapshot->fetched_at,
			.expires_at = snapshot->fetched_at + snapshot->ttl * INT64CONST(1000),
	};
}

KeyapiSnapshotInfo *
keyapi_cache_list(int *n)
{
	CachePart  *part = cache_part();
	int			size = 64;
	KeyapiSnapshotInfo *infos = palloc(sizeof(KeyapiSnapshotInfo) * size);

	*n = 0;
	LWLockAcquire(&part->lock, LW_SHARED);
	for (int i = 0; i < KEYAPI_CACHE_CHAINS; i++)
	{
		dsa_pointer pointer = part->chains[i];

		while (DsaPointerIsValid(pointer))
		{
			CachedSnapshot *snapshot = keyapi_cache_snapshot_at(pointer);

			if (*n == size)
			{
				size *= 2;
				infos = repalloc_huge(infos, sizeof(KeyapiSnapshotInfo) * size);
			}
			infos[(*n)++] = info_of(snapshot);
			pointer = snapshot->next;
		}
	}
	LWLockRelease(&part->lock);
	return infos;
}
