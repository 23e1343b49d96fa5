/*-------------------------------------------------------------------------
 *
 * cache_internal.h
 *	  What the files of the cache share: cache.c (what is asked of it) and
 *	  cache_store.c (how it lies in memory).
 *
 * Snapshots hang in hash chains, their pages in a list at each snapshot, all
 * allocated in the shared area.  One lock protects it all, for no more than it
 * takes to follow a few pointers and copy a page.  Who changes something
 * allocates before taking the lock, so that under it nothing can fail halfway.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_INTERNAL_H
#define KEYAPI_CACHE_INTERNAL_H

#include "shared/cache.h"

#include "storage/lwlock.h"
#include "utils/dsa.h"

#define KEYAPI_CACHE_CHAINS 1024

/*
 * The area gives memory away by pages of 4 kB: what an allocation of size bytes
 * takes, near enough.
 */
#define KEYAPI_CACHE_TAKEN(size) TYPEALIGN(4096, (size))

typedef struct CachedPage
{
	dsa_pointer next;
	int			number;
	int			rows;
	TimestampTz fetched_at;
	Size		len;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} CachedPage;

/* There is at most one snapshot of a list in each state. */
typedef enum CachedState
{
	CACHED_NEW,					/* without pages: who sends for the first one
								 * knows whether there will be any */
	CACHED_PRESENT,				/* served to those whom it is young enough for */
	CACHED_REPLACED				/* complete, served if the API fails */
} CachedState;

typedef struct CachedListing
{
	dsa_pointer next;			/* in its chain */
	KeyapiCachedId id;
	CachedState state;
	Oid			role;
	int			ttl_ms;			/* ms, of the list for which it was begun */
	TimestampTz fetched_at;		/* the first page, 0 if none has arrived */
	uint64		last_used;		/* reading of CachePart.uses */
	dsa_pointer pages;
	int			num_pages;
	int			last_page;		/* number of the list's last page, or 0 */
	int			total_pages;	/* announced number of pages, or 0 */
	int64		rows;
	int64		bytes;			/* of bodies */
	Size		taken;			/* of the area */
	KeyapiAccountId account;
	char		list[FLEXIBLE_ARRAY_MEMBER];	/* NUL-terminated */
} CachedListing;

typedef struct CachePart
{
	LWLock		lock;
	uint64		listings;		/* ever made */
	uint64		uses;
	Size		taken;			/* of the area, by all snapshots */
	int			size_kb;		/* cache_size that the area was told of */
	bool		reported;		/* that memory is out */
	dsa_pointer chains[KEYAPI_CACHE_CHAINS];
} CachePart;

/* ---- under the lock ---- */

extern CachedListing *keyapi_cache_listing_at(dsa_pointer pointer);
extern CachedPage *keyapi_cache_page_at(dsa_pointer pointer);

extern uint32 keyapi_cache_hash(const KeyapiCacheKey *key);

/*
 * A snapshot; NULL if it is gone.
 */
extern CachedListing *keyapi_cache_find_id(CachePart *part,
										   KeyapiCachedId id);

/*
 * The snapshot of a list in that state, or NULL.
 */
extern CachedListing *keyapi_cache_find_key(CachePart *part,
											const KeyapiCacheKey *key,
											CachedState state);

extern CachedPage *keyapi_cache_find_page(const CachedListing *listing,
										  int number);

/*
 * Whether all pages of the list are there.
 */
extern bool keyapi_cache_is_complete(const CachedListing *listing);

extern void keyapi_cache_drop(CachePart *part, CachedListing *listing);

/*
 * Drop the snapshot that was not used for the longest time, but never the one
 * named keep.  False if there is no other.
 */
extern bool keyapi_cache_drop_oldest(CachePart *part, KeyapiCachedId keep);

/* ---- not under the lock ---- */

/*
 * Allocate size bytes of the area, for a new snapshot or for the one named id;
 * drop others if need be.  InvalidDsaPointer if all that did not help, which
 * the log is told of once.
 */
extern dsa_pointer keyapi_cache_allocate(CachePart *part, Size size,
										 KeyapiCachedId id);

/*
 * Tell the log, once, why something is not cached.
 */
extern void keyapi_cache_report(const char *why);

#endif							/* KEYAPI_CACHE_INTERNAL_H */
