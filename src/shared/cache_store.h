/*-------------------------------------------------------------------------
 *
 * cache_store.h
 *	  How the cache lies in memory, and what it drops to make room: the bottom of
 *	  the cache, for cache.c only.
 *
 * Listings hang in hash chains, and their pages in a list at each listing.  All
 * of them are allocated in the shared area.  One lock protects it all, held for
 * no longer than it takes to follow a few pointers and copy a page.  A writer
 * allocates before it takes the lock, so that under the lock nothing can fail
 * halfway.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_STORE_H
#define KEYAPI_CACHE_STORE_H

#include "compat.h"

#include "storage/lwlock.h"
#include "utils/dsa.h"
#include "utils/timestamp.h"

#include "shared/cache_key.h"
#include "shared/shared_memory.h"

#define KEYAPI_CACHE_CHAINS 1024

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
	dsa_pointer next;			/* in its chain */
	KeyapiCachedId id;
	CachedState state;
	Oid			role;			/* that began it */
	int			ttl_ms;			/* cache_ttl of the table that began it */
	TimestampTz fetched_at;		/* of the oldest page, 0 if none has arrived */
	uint64		last_used;		/* reading of CachePart.uses */
	dsa_pointer pages;
	int			num_pages;
	int			last_page;		/* number of the list's last page, or 0 */
	int			total_pages;	/* announced number of pages, or 0 */
	int64		rows;
	int64		bytes;			/* of pages */
	Size		taken;			/* of the area */

	/* its key: see KeyapiCacheKey */
	KeyapiAccountId account;
	int			page_size;
	Size		len;
	char		texts[FLEXIBLE_ARRAY_MEMBER];
} CachedListing;

typedef struct CachePart
{
	LWLock		lock;
	uint64		listings;		/* ever made */
	uint64		uses;
	Size		taken;			/* of the area, by all listings */
	int			size_kb;		/* cache_size that the area was told of */
	bool		reported;		/* that memory is out */
	dsa_pointer chains[KEYAPI_CACHE_CHAINS];
} CachePart;

extern const KeyapiSharedPart keyapi_cache_part;

/* The setting keyapi_fdw.cache_size; keyapi_cache_init defines it. */
extern int	keyapi_cache_size_kb;

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
 * Free a listing and its pages.
 */
extern void keyapi_cache_drop(CachePart *part, CachedListing *listing);

/* ---- without the lock ---- */

extern Size keyapi_cache_listing_size(const KeyapiCacheKey *key);
extern Size keyapi_cache_page_size(Size len);

/*
 * Allocate size bytes of the area, for a new listing or for the one named id;
 * drop other listings if need be.  Returns InvalidDsaPointer if all that did not
 * help, which is reported.
 */
extern dsa_pointer keyapi_cache_allocate(CachePart *part, Size size,
										 KeyapiCachedId id);

/*
 * Tell the log why something is not cached: once, until cache_size changes or
 * the cache is cleared.
 */
extern void keyapi_cache_report(const char *why);

#endif							/* KEYAPI_CACHE_STORE_H */
