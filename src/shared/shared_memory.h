/*-------------------------------------------------------------------------
 *
 * shared_memory.h
 *	  The memory that all backends share: how each part of it is defined, and
 *	  how it is reached.
 *
 * With shared_preload_libraries = 'keyapi_fdw' the memory is part of the
 * server's own; without, from PostgreSQL 17 on, it is a segment that the first
 * backend makes.  Otherwise the same code runs on memory of the backend's own,
 * which no other process sees.
 *
 * Each file that keeps something here defines a KeyapiSharedPart, which
 * _PG_init registers.  This module knows none of them.
 *
 * There is no exit hook in backends: what belongs to a process that is gone
 * (see keyapi_shared_alive) counts as abandoned.  When the server restarts after
 * a crash, all of the memory begins anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SHARED_MEMORY_H
#define KEYAPI_SHARED_MEMORY_H

#include "compat.h"

#include "utils/dsa.h"

/* A part of the memory.  It begins with an LWLock, which protects all of it. */
typedef struct KeyapiSharedPart
{
	const char *lock_name;		/* in pg_stat_activity.wait_event */

	/* Bytes of the part; nprocs is the number of processes that may use it. */
	Size		(*size) (int nprocs);

	/*
	 * Bytes that the part may allocate in the area, of which memory of a
	 * backend's own has no more.  NULL: none.
	 */
	Size		(*area_size) (void);

	/*
	 * Called once when the server's own memory is new, in the postmaster.
	 * NULL: there is nothing to do.
	 */
	void		(*load) (void *part);
} KeyapiSharedPart;

#define KEYAPI_SECRET_LEN 32

/*
 * Add a part, which must stay valid; when the library is loaded, before
 * keyapi_shared_init, and in the same order in all processes.
 */
extern void keyapi_shared_register(const KeyapiSharedPart *part);

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
 * Where a registered part lies.  It was zeroed at first, except for its lock.
 * Raises an ERROR if this backend cannot get any memory at all.
 */
extern void *keyapi_shared_part(const KeyapiSharedPart *part);

/*
 * A random secret of KEYAPI_SECRET_LEN bytes, another one after each start of
 * the server.
 */
extern const uint8 *keyapi_shared_secret(void);

/*
 * The area for what has no fixed size.
 */
extern dsa_area *keyapi_shared_area(void);

/*
 * The area for what must not be lost for lack of room in the other one, which
 * pages may fill.
 */
extern dsa_area *keyapi_shared_books(void);

/*
 * Call function(arg), which works on the area and may fail for lack of memory or
 * of file descriptors, in this process alone.  False if it raised an error; then
 * *why is its message (palloc'd), and all LWLocks are released, so the caller
 * must hold none.
 */
extern bool keyapi_shared_attempt(void (*function) (void *), void *arg,
								  const char **why);

/*
 * Allocate size bytes in the area; or return InvalidDsaPointer, however the
 * allocation failed.  If the system refused the memory, *why is its message
 * (palloc'd); if the area is full, *why stays as it was.  The caller must hold no
 * LWLock: all are released if the allocation raises an error.
 */
extern dsa_pointer keyapi_shared_allocate(Size size, const char **why);

/*
 * Let the area grow up to size bytes, all of which can be allocated but for a
 * fixed overhead.  Memory of a backend's own cannot grow.
 */
extern void keyapi_shared_limit(Size size);

/*
 * Processes that may use the memory have numbers below keyapi_shared_nprocs;
 * keyapi_shared_procno is the number of this process.
 */
extern int	keyapi_shared_nprocs(void);
extern int	keyapi_shared_procno(void);

/*
 * Whether the process with this number is still the one that had this pid.
 */
extern bool keyapi_shared_alive(int procno, int pid);

#endif							/* KEYAPI_SHARED_MEMORY_H */
