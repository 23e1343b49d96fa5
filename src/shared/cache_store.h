/*-------------------------------------------------------------------------
 *
 * cache_store.h
 *	  How the cache lies in memory: the bottom of the cache, for cache.c and
 *	  cache_room.c only.
 *
 * Listings hang in hash chains and in queues, and their pages in a list at each
 * listing.  All of them are allocated in the shared area.  One lock protects it
 * all, held for no longer than it takes to follow a few pointers and copy a page.
 * Readers share it.  A writer allocates before it takes the lock, so that under
 * the lock nothing can fail halfway.
 *
 * A dropped listing is found no more, but its memory is freed later, a few pages
 * at a time: until then it is among the dead.
 *
 * Age is counted in statements, numbered as they come to the cache.  A reader
 * only notes its number in the listing.  Whoever makes room moves a listing that
 * was read since to its place in the queue.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_STORE_H
#define KEYAPI_CACHE_STORE_H

#include "compat.h"

#include "port/atomics.h"
#include "storage/lwlock.h"
#include "utils/dsa.h"
#include "utils/timestamp.h"

#include "shared/cache_key.h"
#include "shared/shared_memory.h"

/* Chains stay short: 512MB hold about 20,000 small lists. */
#define KEYAPI_CACHE_CHAINS 16384

typedef struct CachedPage
{
	dsa_pointer next;
	int			number;
	int			rows;
	TimestampTz fetched_at;
	Size		len;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} CachedPage;

/* There is at most one listing of a key in each state. */
typedef enum CachedState
{
	CACHED_NEW,					/* without pages: whether there will be any is
								 * known when the request for the first one is
								 * answered */
	CACHED_PRESENT,				/* served to readers that it is young enough
								 * for */
	CACHED_REPLACED				/* served if the API fails */
} CachedState;

typedef struct CachedListing
{
	dsa_pointer self;
	dsa_pointer next;			/* in its chain */
	dsa_pointer newer;			/* in its queue */
	dsa_pointer older;			/* ... or among the dead */
	KeyapiCachedId id;
	CachedState state;
	Oid			role;			/* that began it */
	int			ttl_ms;			/* cache_ttl of the table that began it */
	TimestampTz fetched_at;		/* of the oldest page, 0 if none has arrived */
	pg_atomic_uint64 used_by;	/* last statement that used it */
	uint64		queued_for;		/* used_by when it came to its place */
	dsa_pointer pages;
	int			num_pages;
	int			last_page;		/* number of the list's last page, or 0 */
	int			total_pages;	/* announced number of pages, or 0 */
	int64		rows;
	int64		bytes;			/* of pages */
	Size		taken;			/* of the area, with its pages */

	/* its key: see KeyapiCacheKey */
	KeyapiAccountId account;
	int			page_size;
	Size		len;
	char		texts[FLEXIBLE_ARRAY_MEMBER];
} CachedListing;

/* Listings are queued apart, by whether they have pages. */
typedef enum CachedKind
{
	CACHED_EMPTY,
	CACHED_FILLED
} CachedKind;

#define CACHED_KINDS (CACHED_FILLED + 1)

/* Listings, those that were used long ago at the end that is called oldest. */
typedef struct CachedQueue
{
	dsa_pointer newest;
	dsa_pointer oldest;
	int64		length;
} CachedQueue;

typedef struct CachePart
{
	LWLock		lock;
	uint64		listings;		/* ever made */
	pg_atomic_uint64 statements;	/* that ever came; zeroed memory is 0 */
	Size		taken;			/* of the area, by all listings and the dead */
	int			size_kb;		/* cache_size that the area was told of */
	bool		reported;		/* that memory is out */
	CachedQueue queues[CACHED_KINDS];
	dsa_pointer dead;			/* dropped listings, linked by older */
	dsa_pointer chains[KEYAPI_CACHE_CHAINS];
} CachePart;

extern const KeyapiSharedPart keyapi_cache_part;

/* The setting keyapi_fdw.cache_size; keyapi_cache_init defines it. */
extern int	keyapi_cache_size_kb;

/*
 * keyapi_fdw.cache_size in bytes.
 */
extern Size keyapi_cache_limit(void);

/*
 * The number of the session's current statement.  What began later has a larger
 * one.
 */
extern uint64 keyapi_cache_statement(CachePart *part);

/* ---- with the lock held ---- */

extern CachedListing *keyapi_cache_listing_at(dsa_pointer pointer);
extern CachedPage *keyapi_cache_page_at(dsa_pointer pointer);

/*
 * The key of a listing; its texts are the listing's own.
 */
extern KeyapiCacheKey keyapi_cache_key_of(const CachedListing *listing);

/*
 * A listing; NULL if it is gone.
 */
extern CachedListing *keyapi_cache_find_id(CachePart *part,
										   KeyapiCachedId id);

/*
 * The listing of a key in that state, or NULL.
 */
extern CachedListing *keyapi_cache_find_key(CachePart *part,
											const KeyapiCacheKey *key,
											CachedState state);

/*
 * Note that the current statement uses a listing.  A shared lock is enough.
 */
extern void keyapi_cache_use(CachePart *part, CachedListing *listing);

/*
 * A page of a listing, or NULL.
 */
extern CachedPage *keyapi_cache_find_page(const CachedListing *listing,
										  int number);

/*
 * Whether all pages of the list are there.
 */
extern bool keyapi_cache_is_complete(const CachedListing *listing);

/*
 * Make a CACHED_NEW listing of keyapi_cache_listing_size bytes that were
 * allocated at pointer.  It belongs to the current role and has no pages yet.
 */
extern CachedListing *keyapi_cache_add_listing(CachePart *part,
											   dsa_pointer pointer,
											   const KeyapiCacheKey *key,
											   int ttl_ms);

/*
 * Add the page at pointer, complete but for its link, to a listing that does not
 * have it.  Counts the memory that it takes, and nothing else of it.
 */
extern void keyapi_cache_add_page(CachePart *part, CachedListing *listing,
								  dsa_pointer pointer);

/*
 * Move a listing to the newest end of its queue.
 */
extern void keyapi_cache_requeue(CachePart *part, CachedListing *listing);

/*
 * Drop a listing: it is found no more, and dead.
 */
extern void keyapi_cache_drop(CachePart *part, CachedListing *listing);

/*
 * Drop all listings.
 */
extern void keyapi_cache_drop_all(CachePart *part);

/*
 * Free up to so many pages of the dead, and the listings that have none left.
 * Returns how many bytes that gave back.
 */
extern Size keyapi_cache_bury(CachePart *part, int num_pages);

/* ---- without the lock ---- */

extern Size keyapi_cache_listing_size(const KeyapiCacheKey *key);
extern Size keyapi_cache_page_size(Size len);

/*
 * What an allocation of size bytes takes of the area.
 */
extern Size keyapi_cache_taken_by(Size size);

#endif							/* KEYAPI_CACHE_STORE_H */
