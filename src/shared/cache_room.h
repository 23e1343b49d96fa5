/*-------------------------------------------------------------------------
 *
 * cache_room.h
 *	  Room in the cache: which listings make way for new ones.
 *
 * What was not used for the longest time goes first, whole listings at a time,
 * and listings without pages before that if there are many.  A statement never
 * drops what it, or a later one, has used: of more lists than fit, those that fit
 * stay, and only the others are paid for again.
 *
 * What is done under the lock at a time is bounded.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_ROOM_H
#define KEYAPI_CACHE_ROOM_H

#include "compat.h"

#include "shared/cache_store.h"

/*
 * Allocate size bytes of the area, for a new listing or for the one named id;
 * drop other listings if need be.  Returns InvalidDsaPointer if all that did not
 * help, which is reported.  The caller holds no lock.
 */
extern dsa_pointer keyapi_cache_allocate(CachePart *part, Size size,
										 KeyapiCachedId id);

/*
 * If there is more in the cache than should be (cache_size was lowered, or dropped
 * listings are not freed yet), drop and free what is too much, for that long at
 * most.  A later call goes on.  Handles interrupts.  The caller holds no lock.
 *
 * The memory serves other lists.  Little of it goes back to the system: dsa_free
 * keeps the segment of a large object, as a page is, even if it is empty then.
 */
extern void keyapi_cache_shrink(int longest_ms);

/*
 * Call function(call), which may fail: see keyapi_shared_attempt.  False if it
 * did, which is reported.
 */
extern bool keyapi_cache_attempt(void (*function) (void *), void *call);

/*
 * Tell the log why something is not cached: once, until cache_size changes or
 * the cache is cleared.
 */
extern void keyapi_cache_report(const char *why);

#endif							/* KEYAPI_CACHE_ROOM_H */
