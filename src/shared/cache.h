/*-------------------------------------------------------------------------
 *
 * cache.h
 *	  Pages that have been paid for, for all sessions: what is asked of the
 *	  cache.  How it lies in memory, and what it drops to make room, is in
 *	  cache_store.
 *
 * The pages of one list are kept together, as a cached listing.  It ages from
 * the arrival of its first page on, and is served, expired and dropped whole.  A
 * page is a block of bytes (json/block.h), which means nothing here.
 *
 * Nothing here belongs to a transaction.  For lack of memory the cache forgets
 * pages; no query fails.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_H
#define KEYAPI_CACHE_H

#include "compat.h"

#include "utils/timestamp.h"

#include "shared/cache_key.h"

typedef struct KeyapiStoredPage
{
	const void *data;			/* len bytes, aligned for any type */
	size_t		len;
	int			rows;			/* items in it */
	bool		last;			/* the list ends with this page */
	int			total_pages;	/* that the list is said to have, or 0 */
	TimestampTz fetched_at;
} KeyapiStoredPage;

/* What keyapi_fdw_cache shows of a listing. */
typedef struct KeyapiCachedListingInfo
{
	KeyapiCacheKey key;
	Oid			role;			/* that began it */
	int			pages;
	int			total_pages;	/* 0: unknown */
	int64		rows;
	int64		bytes;
	TimestampTz fetched_at;		/* 0: no page has arrived yet */
	TimestampTz expires_at;
} KeyapiCachedListingInfo;

/*
 * Define the settings; once, when the library is loaded.
 */
extern void keyapi_cache_init(void);

/*
 * Whether lists with this cache_ttl are cached in this session.
 */
extern bool keyapi_cache_enabled(int ttl_ms);

/*
 * Whether keyapi_fdw.max_age asks for everything anew in this session.
 */
extern bool keyapi_cache_wants_fresh(void);

/*
 * The listing to read a list from: the present one if it is younger than ttl_ms
 * and keyapi_fdw.max_age, else a new one, which takes its place when its first
 * page arrives.  One that is replaced stays for keyapi_cache_find_stale, unless
 * there is only a part of it and all of the one before.  None if lists are not cached, or memory is out.
 */
extern KeyapiCachedId keyapi_cache_open(const KeyapiCacheKey *key, int ttl_ms);

/* The last state of a list that has some page. */
typedef struct KeyapiStaleListing
{
	KeyapiCachedId id;
	int			highest_page;	/* number of the last page that it has */
	TimestampTz fetched_at;		/* when its oldest page arrived */
} KeyapiStaleListing;

/*
 * The same listing, if it is there; else none.  The statement counts as a user of
 * it: a statement that looks at all its lists first keeps them all.
 */
extern KeyapiCachedId keyapi_cache_find(const KeyapiCacheKey *key, int ttl_ms);

/*
 * The youngest listing of the list that has page number, whichever else it has,
 * if it is younger than age_ms.  False if there is none.
 */
extern bool keyapi_cache_find_stale(const KeyapiCacheKey *key, int age_ms,
									int number, KeyapiStaleListing *stale);

typedef enum KeyapiLookup
{
	KEYAPI_LOOKUP_FOUND,
	KEYAPI_LOOKUP_MISSING,		/* nobody has put the page there yet */
	KEYAPI_LOOKUP_GONE			/* there is no such listing any more */
} KeyapiLookup;

/*
 * Look up a page, by its number from 1.  If it is there, *page is a copy whose
 * data is palloc'd.
 */
extern KeyapiLookup keyapi_cache_get(KeyapiCachedId id, int number,
									 KeyapiStoredPage *page);

/*
 * Whether a page is there.  *last_page is the number of the list's last page, 0
 * if that is not known; *complete is whether all pages up to there are there.
 */
extern bool keyapi_cache_has(KeyapiCachedId id, int number, int *last_page,
							 bool *complete);

/*
 * Add a copy of a page.  Does nothing if the listing is gone or has the page.  If
 * there is no memory for the page, the listing is dropped, so that nobody waits
 * for what it will never have.
 */
extern void keyapi_cache_put(KeyapiCachedId id, int number,
							 const KeyapiStoredPage *page);

/*
 * Forget everything.
 */
extern void keyapi_cache_clear(void);

/*
 * All listings, palloc'd, and their number in *n.
 */
extern KeyapiCachedListingInfo *keyapi_cache_list(int *n);

#endif							/* KEYAPI_CACHE_H */
