/*-------------------------------------------------------------------------
 *
 * cache.h
 *	  Pages that have been paid for, for all sessions.
 *
 * The pages of one list form a snapshot: it ages from the arrival of its first
 * page on, and is served, expired and evicted whole.  A page is the body of a
 * response as it came (decompressed): readers differ in what they want of it.
 *
 * Nothing here belongs to a transaction.  Lack of memory makes the cache
 * forget, never a query fail: then a page just is not there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_H
#define KEYAPI_CACHE_H

#include "compat.h"

#include "utils/timestamp.h"

#include "shared/account.h"

/*
 * What a list is known by: the account, and a text that names endpoint,
 * parameters and page size ("tiktok/trending/videos?region=US&...&limit=20"),
 * the same for the same list only.
 */
typedef struct KeyapiCacheKey
{
	KeyapiAccountId account;
	const char *list;
} KeyapiCacheKey;

/*
 * Names a snapshot, whether it is still there or not.
 */
typedef struct KeyapiCachedId
{
	uint64		number;			/* never used twice; 0: none */
	uint32		hash;			/* of its key: where to look */
} KeyapiCachedId;

#define KEYAPI_NO_CACHED_ID ((KeyapiCachedId) {0, 0})

typedef struct KeyapiBody
{
	const char *data;			/* len bytes, no NUL after them */
	size_t		len;
	int			rows;			/* videos in it */
	bool		last;			/* the list ends with this page */
	int			total_pages;	/* that the list is said to have, or 0 */
	TimestampTz fetched_at;
} KeyapiBody;

/* What keyapi_fdw_cache shows of a snapshot. */
typedef struct KeyapiCachedListingInfo
{
	char	   *list;			/* see KeyapiCacheKey */
	Oid			role;			/* who began it */
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

extern const KeyapiSharedPart keyapi_cache_part;

/* The setting keyapi_fdw.cache_size, in kB. */
extern int	keyapi_cache_size_kb(void);

/*
 * Whether lists with this time to live, in ms, are cached in this session.
 */
extern bool keyapi_cache_enabled(int ttl_ms);

/*
 * The snapshot to read a list from: the present one if it is younger than ttl
 * ms and keyapi_fdw.max_age, else a new one, which takes its place when its
 * first page arrives; a complete one that is replaced stays for
 * keyapi_cache_find_stale.  None if lists are not cached, or memory is out.
 */
extern KeyapiCachedId keyapi_cache_open(const KeyapiCacheKey *key, int ttl_ms);

/*
 * The youngest complete snapshot of the list, if it is younger than age ms; else
 * none.  *fetched_at is when its first page arrived.
 */
extern KeyapiCachedId keyapi_cache_find_stale(const KeyapiCacheKey *key,
											  int age,
											  TimestampTz *fetched_at);

typedef enum KeyapiLookup
{
	KEYAPI_LOOKUP_FOUND,
	KEYAPI_LOOKUP_MISSING,		/* nobody has put the page there yet */
	KEYAPI_LOOKUP_GONE			/* there is no such snapshot any more */
} KeyapiLookup;

/*
 * Look a page up.  If it is there, copy it to *body, palloc'd.
 */
extern KeyapiLookup keyapi_cache_get(KeyapiCachedId id, int number,
									 KeyapiBody *body);

/*
 * Whether a page is there.  *last_page is the number of the list's last page, 0
 * if that is not known.
 */
extern bool keyapi_cache_has(KeyapiCachedId id, int page, int *last_page);

/*
 * Add a page.  Does nothing if the snapshot is gone or has the page.  If there
 * is no memory for it, the snapshot goes too, so that nobody waits for what it
 * will never have.
 */
extern void keyapi_cache_put(KeyapiCachedId id, int number,
							 const KeyapiBody *body);

/*
 * Forget everything.
 */
extern void keyapi_cache_clear(void);

/*
 * All snapshots, palloc'd, and their number in *n.
 */
extern KeyapiCachedListingInfo *keyapi_cache_list(int *n);

#endif							/* KEYAPI_CACHE_H */
