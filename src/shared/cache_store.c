/*-------------------------------------------------------------------------
 *
 * cache_store.c
 *	  How the cache lies in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache_store.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"

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

Size
keyapi_cache_limit(void)
{
	return area_size();
}

/* How dsa.c gives memory away, in bytes. */
#define DSA_PAGE 4096
#define DSA_BLOCK (16 * DSA_PAGE)	/* cut into small objects of one size */
#define DSA_LARGEST_SMALL 8192
#define DSA_SPAN 64				/* describes a large object */

/*
 * Measured: a large object has pages of its own; small ones come in four sizes
 * between one power of two and the next, each as large as its block can hold.
 */
Size
keyapi_cache_taken_by(Size size)
{
	Size		step;

	if (size > DSA_LARGEST_SMALL)
		return TYPEALIGN(DSA_PAGE, size) + DSA_SPAN;
	step = Max(pg_nextpower2_size_t(size) / 8, 8);
	return DSA_BLOCK / (DSA_BLOCK / TYPEALIGN(step, size));
}

uint64
keyapi_cache_statement(CachePart *part)
{
	static TimestampTz began = 0;
	static uint64 number = 0;

	if (number == 0 || began != GetCurrentStatementStartTimestamp())
	{
		began = GetCurrentStatementStartTimestamp();
		number = pg_atomic_add_fetch_u64(&part->statements, 1);
	}
	return number;
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

void
keyapi_cache_use(CachePart *part, CachedListing *listing)
{
	uint64		statement = keyapi_cache_statement(part);

	if (pg_atomic_read_u64(&listing->used_by) < statement)
		pg_atomic_write_u64(&listing->used_by, statement);
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

/* ---------------------------------------------------------------------
 * Queues, with the lock held
 * ---------------------------------------------------------------------
 */

static CachedQueue *
queue_of(CachePart *part, const CachedListing *listing)
{
	return &part->queues[listing->num_pages == 0 ? CACHED_EMPTY : CACHED_FILLED];
}

static void
enqueue(CachePart *part, CachedListing *listing)
{
	CachedQueue *queue = queue_of(part, listing);

	if (DsaPointerIsValid(queue->newest))
		keyapi_cache_listing_at(queue->newest)->newer = listing->self;
	else
		queue->oldest = listing->self;
	listing->newer = InvalidDsaPointer;
	listing->older = queue->newest;
	listing->queued_for = pg_atomic_read_u64(&listing->used_by);
	queue->newest = listing->self;
	queue->length++;
}

static void
dequeue(CachePart *part, CachedListing *listing)
{
	CachedQueue *queue = queue_of(part, listing);
	dsa_pointer *from_newer = &queue->newest;
	dsa_pointer *from_older = &queue->oldest;

	if (DsaPointerIsValid(listing->newer))
		from_newer = &keyapi_cache_listing_at(listing->newer)->older;
	if (DsaPointerIsValid(listing->older))
		from_older = &keyapi_cache_listing_at(listing->older)->newer;
	*from_newer = listing->older;
	*from_older = listing->newer;
	queue->length--;
}

void
keyapi_cache_requeue(CachePart *part, CachedListing *listing)
{
	dequeue(part, listing);
	enqueue(part, listing);
}

/* ---------------------------------------------------------------------
 * Adding and dropping, with the lock held
 * ---------------------------------------------------------------------
 */

CachedListing *
keyapi_cache_add_listing(CachePart *part, dsa_pointer pointer,
						 const KeyapiCacheKey *key, int ttl_ms)
{
	CachedListing *listing = keyapi_cache_listing_at(pointer);
	KeyapiCachedId id = {++part->listings, keyapi_cache_key_hash(key)};
	dsa_pointer *chain = &part->chains[id.hash % KEYAPI_CACHE_CHAINS];

	*listing = (CachedListing)
	{
		.self = pointer,
			.next = *chain,
			.id = id,
			.state = CACHED_NEW,
			.role = GetUserId(),
			.ttl_ms = ttl_ms,
			.taken = keyapi_cache_taken_by(keyapi_cache_listing_size(key)),
			.account = key->account,
			.page_size = key->page_size,
			.len = key->len,
	};
	memcpy(listing->texts, key->texts, key->len);
	pg_atomic_init_u64(&listing->used_by, keyapi_cache_statement(part));
	enqueue(part, listing);
	*chain = pointer;
	part->taken += listing->taken;
	return listing;
}

void
keyapi_cache_add_page(CachePart *part, CachedListing *listing,
					  dsa_pointer pointer)
{
	CachedPage *page = keyapi_cache_page_at(pointer);
	Size		taken = keyapi_cache_taken_by(keyapi_cache_page_size(page->len));

	keyapi_cache_use(part, listing);
	dequeue(part, listing);
	page->next = listing->pages;
	listing->pages = pointer;
	listing->num_pages++;
	enqueue(part, listing);
	listing->taken += taken;
	part->taken += taken;
}

void
keyapi_cache_drop(CachePart *part, CachedListing *listing)
{
	dsa_pointer *link = &part->chains[listing->id.hash % KEYAPI_CACHE_CHAINS];

	while (*link != listing->self)
		link = &keyapi_cache_listing_at(*link)->next;
	dequeue(part, listing);
	*link = listing->next;
	listing->older = part->dead;
	part->dead = listing->self;
}

void
keyapi_cache_drop_all(CachePart *part)
{
	for (int kind = 0; kind < CACHED_KINDS; kind++)
	{
		CachedQueue *queue = &part->queues[kind];

		if (!DsaPointerIsValid(queue->oldest))
			continue;
		keyapi_cache_listing_at(queue->oldest)->older = part->dead;
		part->dead = queue->newest;
		*queue = (CachedQueue)
		{
			InvalidDsaPointer
		};
	}
	memset(part->chains, 0, sizeof(part->chains));
}

/*
 * Free a page of a dead listing, which has one.
 */
static void
bury_page(CachePart *part, CachedListing *listing)
{
	dsa_pointer pointer = listing->pages;
	const CachedPage *page = keyapi_cache_page_at(pointer);
	Size		taken = keyapi_cache_taken_by(keyapi_cache_page_size(page->len));

	listing->pages = page->next;
	listing->taken -= taken;
	part->taken -= taken;
	dsa_free(keyapi_shared_area(), pointer);
}

Size
keyapi_cache_bury(CachePart *part, int num_pages)
{
	Size		before = part->taken;

	while (num_pages-- > 0 && DsaPointerIsValid(part->dead))
	{
		dsa_pointer pointer = part->dead;
		CachedListing *listing = keyapi_cache_listing_at(pointer);

		if (DsaPointerIsValid(listing->pages))
		{
			bury_page(part, listing);
			continue;
		}
		part->dead = listing->older;
		part->taken -= listing->taken;
		dsa_free(keyapi_shared_area(), pointer);
	}
	return before - part->taken;
}

/* ---------------------------------------------------------------------
 * Sizes
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
