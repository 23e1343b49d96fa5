/*-------------------------------------------------------------------------
 *
 * cache_room.c
 *	  Room in the cache: which listings make way for new ones.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/cache_room.h"

#include "miscadmin.h"

/* While shrinking, how many pages are freed before the next listing is dropped. */
#define SHRINK_STEP 4

/* While shrinking, time for those that wait for the lock, in microseconds. */
#define SHRINK_PAUSE_US 50

/*
 * How many pages are freed, or listings looked at, while the lock is held once:
 * some tens of microseconds.
 */
#define BATCH 64

/*
 * Listings without pages may take one part in so many of the cache.  They are
 * needed for requests under way; what is more is left over from failed ones.
 */
#define EMPTY_SHARE 256

/*
 * How often an allocation that failed is tried again, each time with a listing
 * less.  Free memory may lie in pieces; but if the system has none, dropping all
 * listings would not help.
 */
#define MAX_TRIES 4

/* No statement: nothing is spared. */
#define NO_STATEMENT PG_UINT64_MAX

/* A search for a listing to drop, which goes on from one batch to the next. */
typedef struct Search
{
	uint64		statement;		/* spare what it and later ones have used */
	KeyapiCachedId keep;		/* spare this one, too */
	int			queues_left;	/* with the current one */
	CachedKind	kind;			/* of the current queue */
	int64		passed;			/* listings of that that were spared */
} Search;

static void
begin_search(Search *search, const CachePart *part, uint64 statement,
			 KeyapiCachedId keep)
{
	Size		empty = part->queues[CACHED_EMPTY].length *
	keyapi_cache_taken_by(sizeof(CachedListing));

	*search = (Search)
	{
		.statement = statement,
			.keep = keep,
			.queues_left = CACHED_KINDS,
			.kind = empty > keyapi_cache_limit() / EMPTY_SHARE ?
			CACHED_EMPTY : CACHED_FILLED,
	};
}

/*
 * Whether a listing is to be passed over: it is spared, or was used since it came
 * to its place.
 */
static bool
is_passed(const Search *search, CachedListing *listing)
{
	uint64		used_by = pg_atomic_read_u64(&listing->used_by);

	return used_by >= search->statement || used_by > listing->queued_for ||
		listing->id.number == search->keep.number;
}

/*
 * Drop a listing, if a batch comes to one.  False if there is none.
 */
static bool
drop_one(CachePart *part, Search *search)
{
	for (int i = 0; i < BATCH; i++)
	{
		CachedQueue *queue = &part->queues[search->kind];
		CachedListing *listing;

		/* each may be passed twice: as used since, and as spared */
		if (search->passed >= queue->length * 2)
		{
			if (--search->queues_left == 0)
				return false;
			search->kind = CACHED_KINDS - 1 - search->kind;
			search->passed = 0;
			continue;
		}
		listing = keyapi_cache_listing_at(queue->oldest);
		if (!is_passed(search, listing))
		{
			keyapi_cache_drop(part, listing);
			return true;
		}
		keyapi_cache_requeue(part, listing);
		search->passed++;
	}
	return true;
}

/*
 * Tell the area, and who reads the log, that cache_size has changed.
 */
static void
follow_cache_size(CachePart *part)
{
	if (part->size_kb == keyapi_cache_size_kb)
		return;
	part->size_kb = keyapi_cache_size_kb;
	part->reported = false;
	keyapi_shared_limit(keyapi_cache_limit());
}

/* ---------------------------------------------------------------------
 * Making room
 * ---------------------------------------------------------------------
 */

typedef struct RoomCall
{
	Size		size;			/* that is wanted */
	KeyapiCachedId id;			/* for that listing */
	bool		again;			/* there seemed to be room, but was none */
	Size		freed;			/* so far */
	Search		search;
} RoomCall;

typedef enum RoomState
{
	ROOM_MAYBE,					/* go on */
	ROOM_ENOUGH,
	ROOM_NONE
} RoomState;

/*
 * Whether there is room.  What has freed as much as it wants has it even while
 * more is in the cache than should be.
 */
static bool
has_room(const CachePart *part, const RoomCall *call)
{
	return call->freed >= call->size ||
		(!call->again && part->taken + call->size <= keyapi_cache_limit());
}

/*
 * What can never fit is no reason to drop anything.
 */
static bool
can_fit(CachePart *part, const RoomCall *call)
{
	const CachedListing *listing = keyapi_cache_find_id(part, call->id);
	Size		taken = listing == NULL ? 0 : listing->taken;

	return taken + call->size <= keyapi_cache_limit();
}

/*
 * One step, with the lock held.
 */
static RoomState
make_some_room(CachePart *part, RoomCall *call)
{
	/* the last statement that found only listings that it must spare */
	static uint64 stuck = 0;

	call->freed += keyapi_cache_bury(part, BATCH);
	if (!can_fit(part, call))
		return ROOM_NONE;
	if (has_room(part, call))
		return ROOM_ENOUGH;
	if (DsaPointerIsValid(part->dead))
		return ROOM_MAYBE;
	if (call->search.statement == stuck)
		return ROOM_NONE;
	if (drop_one(part, &call->search))
		return ROOM_MAYBE;
	stuck = call->search.statement;
	return ROOM_NONE;
}

static bool
make_room(CachePart *part, Size size, KeyapiCachedId id, bool again)
{
	RoomCall	call = {.size = keyapi_cache_taken_by(size),.id = id,.again = again};
	uint64		statement = keyapi_cache_statement(part);
	RoomState	state = ROOM_MAYBE;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	follow_cache_size(part);
	begin_search(&call.search, part, statement, id);
	LWLockRelease(&part->lock);

	while (state == ROOM_MAYBE)
	{
		LWLockAcquire(&part->lock, LW_EXCLUSIVE);
		state = make_some_room(part, &call);
		LWLockRelease(&part->lock);
	}
	return state == ROOM_ENOUGH;
}

dsa_pointer
keyapi_cache_allocate(CachePart *part, Size size, KeyapiCachedId id)
{
	const char *full = "keyapi_fdw.cache_size is too small";
	const char *why = full;

	for (int i = 0; i < MAX_TRIES && make_room(part, size, id, i > 0); i++)
	{
		dsa_pointer pointer = keyapi_shared_allocate(size, &why);

		if (DsaPointerIsValid(pointer))
			return pointer;
		if (why != full)
			keyapi_cache_report(why);
	}
	keyapi_cache_report(why);
	return InvalidDsaPointer;
}

bool
keyapi_cache_attempt(void (*function) (void *), void *call)
{
	const char *why;
	bool		succeeded = keyapi_shared_attempt(function, call, &why);

	if (!succeeded)
		keyapi_cache_report(why);
	return succeeded;
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

/* ---------------------------------------------------------------------
 * Shrinking
 * ---------------------------------------------------------------------
 */

/*
 * Whether there is more than should be.  Without the lock, a hint.
 */
static bool
is_crowded(const CachePart *part)
{
	return part->taken > keyapi_cache_limit() || DsaPointerIsValid(part->dead);
}

typedef struct ShrinkCall
{
	bool		more;			/* result: go on */
} ShrinkCall;

static void
shrink_a_little(void *arg)
{
	ShrinkCall *call = arg;
	CachePart  *part = keyapi_shared_part(&keyapi_cache_part);
	Search		search;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	follow_cache_size(part);
	begin_search(&search, part, NO_STATEMENT, KEYAPI_NO_CACHED_ID);
	call->more = true;
	for (int i = 0; i < BATCH && call->more; i += SHRINK_STEP)
	{
		call->more = DsaPointerIsValid(part->dead) ||
			(is_crowded(part) && drop_one(part, &search));
		(void) keyapi_cache_bury(part, SHRINK_STEP);
	}
	LWLockRelease(&part->lock);

	if (!call->more)
		dsa_trim(keyapi_shared_area());
}

void
keyapi_cache_shrink(int longest_ms)
{
	ShrinkCall	call = {false};
	int64		start_us;

	if (!is_crowded(keyapi_shared_part(&keyapi_cache_part)))
		return;
	start_us = keyapi_clock_us();
	while (keyapi_cache_attempt(shrink_a_little, &call) && call.more)
	{
		if (keyapi_clock_us() - start_us >= longest_ms * INT64CONST(1000))
			break;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(SHRINK_PAUSE_US);
	}
}
