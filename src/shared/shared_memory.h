/*-------------------------------------------------------------------------
 *
 * shared_memory.h
 *	  The memory that all backends share: who has which part of it.
 *
 * With shared_preload_libraries = 'keyapi_fdw' the memory is part of the
 * server's own; without, from PostgreSQL 17 on, a segment that the first
 * backend makes.  Otherwise the same code runs on memory of the backend's own,
 * which no other process sees.
 *
 * There is no exit hook in backends: who finds something that belongs to a
 * process that is gone treats it as abandoned.  When the server restarts after
 * a crash, all of the memory begins anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SHARED_MEMORY_H
#define KEYAPI_SHARED_MEMORY_H

#include "compat.h"

#include "utils/dsa.h"

/* Each part begins with an LWLock, which protects all of it. */
typedef enum KeyapiPart
{
	KEYAPI_PART_CACHE,
	KEYAPI_PART_FLIGHTS,
	KEYAPI_PART_ACCOUNTS,
	KEYAPI_PART_STATS,
	KEYAPI_PART_PROGRESS,
	KEYAPI_NUM_PARTS
} KeyapiPart;

#define KEYAPI_SECRET_LEN 32

/*
 * Set up what must be before any backend starts; once, when the library is
 * loaded.
 */
extern void keyapi_shared_init(void);

/*
 * Whether other backends see the memory.
 */
extern bool keyapi_shared_by_all(void);

/*
 * A part of the memory, zeroed at first except for its lock.  Raises an ERROR
 * if this backend cannot get any memory at all.
 */
extern void *keyapi_shared_part(KeyapiPart part);

/*
 * A random secret, another one after each start of the server.
 */
extern const uint8 *keyapi_shared_secret(void);

/*
 * The area that what has no fixed size is allocated in.
 */
extern dsa_area *keyapi_shared_area(void);

/*
 * Call what works on the area, which may fail for lack of memory or of file
 * descriptors, in this process alone.  False if it did, and why in *why
 * (palloc'd).  All LWLocks are released then, so the caller must hold none.
 */
extern bool keyapi_shared_attempt(void (*function) (void *), void *arg,
								  const char **why);

/*
 * Allocate size bytes in the area; or return InvalidDsaPointer, and why in *why
 * (palloc'd or constant), however the allocation failed.  The caller must hold
 * no LWLock, for all are released if it fails with an error.
 */
extern dsa_pointer keyapi_shared_allocate(Size size, const char **why);

/*
 * Bytes that the area may grow to, of which all but a fixed overhead can be
 * allocated.  Memory of a backend's own cannot grow.
 */
extern void keyapi_shared_limit(Size size);

/*
 * Processes that may use the memory have numbers below this one; the number of
 * this process; and whether a process is still the one that had this pid.
 */
extern int	keyapi_shared_nprocs(void);
extern int	keyapi_shared_procno(void);
extern bool keyapi_shared_alive(int procno, int pid);

#endif							/* KEYAPI_SHARED_MEMORY_H */
