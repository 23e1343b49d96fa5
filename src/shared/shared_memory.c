/*-------------------------------------------------------------------------
 *
 * shared_memory.c
 *	  The memory that all backends share: making it, and attaching to it.
 *
 * Layout: the header, the registered parts, and the places in which the two
 * areas begin.  In the server's own memory and in a segment an area grows by
 * segments of dynamic shared memory.  In a backend's own memory it has all that
 * it will ever need, which costs nothing until it is touched.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/shared_memory.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#ifdef keyapi_named_segment
#include "storage/dsm_registry.h"
#endif

#define NAME "keyapi_fdw"

/*
 * What the area takes for itself and begins with: room for its control data
 * and the first small allocations (it hands them out of blocks of 64 kB).
 */
#define AREA_OVERHEAD (256 * 1024)

/*
 * What the books begin with, and what they may take at most, in bytes.  An
 * account takes about 350.  The bound is for those who try keys, each of which
 * costs them a request: it is far above what anybody has, and far below what
 * would take the memory from others.
 */
#define BOOKS_BEGIN (256 * 1024)
#define BOOKS_MAX (64 * 1024 * 1024)

/* What they have in memory of a backend's own, in bytes. */
#define BOOKS_PRIVATE (1024 * 1024)

/* What the locks of the areas are called in pg_stat_activity. */
#define AREA_LOCK_NAME "KeyapiArea"

/*
 * Which build of the library this is: the Makefile makes it of the sources.  Each
 * build may lay out the memory in its own way.
 */
#ifndef KEYAPI_BUILD
#define KEYAPI_BUILD "unknown"
#endif

static const char build[] = "keyapi_fdw build " KEYAPI_BUILD;

/* Longest such text, with the NUL. */
#define BUILD_LEN 64

/* Room for the parts that are registered. */
#define MAX_PARTS 8

typedef struct Header
{
	char		build[BUILD_LEN];	/* stands first in each build */
	int			nprocs;
	int			tranches[MAX_PARTS];
	int			area_tranche;
	Size		books_size;		/* that they began with */
	uint8		secret[KEYAPI_SECRET_LEN];
} Header;

static const KeyapiSharedPart *parts[MAX_PARTS];
static int	num_parts = 0;

static Header *header = NULL;	/* in backends of a preloaded library, what
								 * the postmaster has made */
static dsa_area *area = NULL;	/* NULL: not attached yet */
static dsa_area *books = NULL;
static bool preloaded = false;
static bool by_all = false;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* ---------------------------------------------------------------------
 * Making it
 * ---------------------------------------------------------------------
 */

void
keyapi_shared_register(const KeyapiSharedPart *part)
{
	if (num_parts == MAX_PARTS)
		elog(ERROR, "too many parts of shared memory");
	parts[num_parts++] = part;
}

/*
 * Where a part begins; for part NULL, where the books do.
 */
static Size
offset_of(const KeyapiSharedPart *part, int nprocs)
{
	Size		offset = MAXALIGN(sizeof(Header));

	for (int i = 0; i < num_parts && parts[i] != part; i++)
		offset = add_size(offset, MAXALIGN(parts[i]->size(nprocs)));
	return offset;
}

static Size
control_size(int nprocs)
{
	return offset_of(NULL, nprocs);
}

static int
new_tranche(bool shared, const char *name)
{
	return shared ? keyapi_new_tranche(name) : LWTRANCHE_PER_SESSION_DSA;
}

/*
 * Fill zeroed memory, and make the areas in it.  Tranche numbers are scarce, so
 * memory that others do not see takes one that exists.
 */
static void
create(void *memory, bool shared, Size books_size, Size area_size,
	   dsa_area **new_books, dsa_area **new_area)
{
	Header	   *new = memory;
	char	   *place = (char *) memory + control_size(MaxBackends);

	strlcpy(new->build, build, BUILD_LEN);
	new->nprocs = MaxBackends;
	if (!pg_strong_random(new->secret, sizeof(new->secret)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random secret")));
	for (int i = 0; i < num_parts; i++)
	{
		new->tranches[i] = new_tranche(shared, parts[i]->lock_name);
		LWLockInitialize((LWLock *) ((char *) memory +
									 offset_of(parts[i], MaxBackends)),
						 new->tranches[i]);
	}
	new->area_tranche = new_tranche(shared, AREA_LOCK_NAME);
	new->books_size = books_size;
	*new_books = dsa_create_in_place(place, books_size, new->area_tranche, NULL);
	*new_area = dsa_create_in_place(place + books_size, area_size,
									new->area_tranche, NULL);
}

static Size
shared_size(void)
{
	return add_size(control_size(MaxBackends), BOOKS_BEGIN + AREA_OVERHEAD);
}

/*
 * Fill memory that others will attach to.
 */
static void
create_shared(void *memory)
{
	dsa_area   *new_books;
	dsa_area   *new_area;

	memset(memory, 0, control_size(MaxBackends));
	create(memory, true, BOOKS_BEGIN, AREA_OVERHEAD, &new_books, &new_area);
	dsa_set_size_limit(new_books, BOOKS_MAX);
	dsa_pin(new_books);
	dsa_detach(new_books);
	dsa_pin(new_area);
	dsa_detach(new_area);
}

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(shared_size());
}

/*
 * In the postmaster, when it starts and after each crash.
 */
static void
make_memory(void)
{
	bool		found;

	if (previous_startup_hook)
		previous_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	header = ShmemInitStruct(NAME, shared_size(), &found);
	if (!found)
		create_shared(header);
	LWLockRelease(AddinShmemInitLock);
	for (int i = 0; i < num_parts && !found; i++)
	{
		if (parts[i]->load != NULL)
			parts[i]->load((char *) header + offset_of(parts[i], MaxBackends));
	}
}

void
keyapi_shared_init(void)
{
	preloaded = process_shared_preload_libraries_in_progress;
	if (!preloaded)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = make_memory;
}

/* ---------------------------------------------------------------------
 * Attaching to it
 * ---------------------------------------------------------------------
 */

bool
keyapi_shared_attempt(void (*function) (void *), void *arg, const char **why)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	ResourceOwner owner = ResourceOwnerCreate(oldowner, NAME);
	volatile bool succeeded = false;

	/* segments stay mapped, but what is left of a failed one has to go */
	CurrentResourceOwner = owner;
	PG_TRY();
	{
		function(arg);
		succeeded = true;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		LWLockReleaseAll();
		MemoryContextSwitchTo(oldcontext);
		error = CopyErrorData();
		FlushErrorState();
		*why = error->message;
	}
	PG_END_TRY();
	CurrentResourceOwner = oldowner;
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	ResourceOwnerDelete(owner);
	return succeeded;
}

#ifdef keyapi_named_segment
static void
init_segment(KEYAPI_SEGMENT_INIT_PARAMS)
{
	create_shared(memory);
}

static void
find_segment(void *arg)
{
	bool		found;

	header = keyapi_named_segment(NAME, shared_size(), init_segment, &found);
}

/*
 * Find the memory that others have made, or make it.  If the library was replaced
 * while the server runs, it is another build's and of no use here.
 */
static void
attach_segment(void)
{
	const char *why = "another build of the library has made it";

	if (keyapi_shared_attempt(find_segment, NULL, &why) &&
		strncmp(header->build, build, BUILD_LEN) == 0)
		return;
	header = NULL;
	ereport(WARNING,
			(errmsg("keyapi_fdw cannot use the memory that sessions share: %s", why),
			 errdetail("This session has a cache, rate limits and statistics of its own."),
			 errhint("If the library was replaced, restart PostgreSQL; sessions that began before go on as they did.")));
}
#endif

/*
 * Memory of the backend's own: what the parts may allocate, or as much of it as
 * there is.
 */
static void
make_private(void)
{
	Size		wanted = 0;
	Size		area_size;
	void	   *memory;

	for (int i = 0; i < num_parts; i++)
	{
		if (parts[i]->area_size != NULL)
			wanted = add_size(wanted, parts[i]->area_size());
	}
	for (;;)
	{
		area_size = wanted + AREA_OVERHEAD;
		memory = calloc(1, control_size(MaxBackends) + BOOKS_PRIVATE + area_size);
		if (memory != NULL || wanted == 0)
			break;
		wanted /= 2;
	}
	if (memory == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	create(memory, false, BOOKS_PRIVATE, area_size, &books, &area);
	dsa_set_size_limit(books, BOOKS_PRIVATE);
	dsa_set_size_limit(area, area_size);
	header = memory;
}

static void
attach_areas(void)
{
	char	   *place = (char *) header + control_size(header->nprocs);

	for (int i = 0; i < num_parts; i++)
		keyapi_name_tranche(header->tranches[i], parts[i]->lock_name);
	keyapi_name_tranche(header->area_tranche, AREA_LOCK_NAME);
	books = dsa_attach_in_place(place, NULL);
	dsa_pin_mapping(books);
	area = dsa_attach_in_place(place + header->books_size, NULL);
	dsa_pin_mapping(area);
	by_all = true;
}

static void
attach(void)
{
	MemoryContext oldcontext;

	if (area != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(TopMemoryContext);
#ifdef keyapi_named_segment
	if (!preloaded && header == NULL)
		attach_segment();
#endif
	if (header != NULL)
		attach_areas();
	else
		make_private();
	MemoryContextSwitchTo(oldcontext);
}

bool
keyapi_shared_by_all(void)
{
	attach();
	return by_all;
}

void *
keyapi_shared_part(const KeyapiSharedPart *part)
{
	attach();
	return (char *) header + offset_of(part, header->nprocs);
}

const uint8 *
keyapi_shared_secret(void)
{
	attach();
	return header->secret;
}

dsa_area *
keyapi_shared_area(void)
{
	attach();
	return area;
}

dsa_area *
keyapi_shared_books(void)
{
	attach();
	return books;
}

typedef struct Allocation
{
	Size		size;
	dsa_pointer result;
} Allocation;

static void
allocate(void *arg)
{
	Allocation *allocation = arg;

	allocation->result = dsa_allocate_extended(area, allocation->size,
											   DSA_ALLOC_NO_OOM);
}

dsa_pointer
keyapi_shared_allocate(Size size, const char **why)
{
	Allocation	allocation = {size, InvalidDsaPointer};

	attach();
	(void) keyapi_shared_attempt(allocate, &allocation, why);
	return allocation.result;
}

void
keyapi_shared_limit(Size size)
{
	attach();
	if (by_all)
		dsa_set_size_limit(area, size + AREA_OVERHEAD);
}

/* ---------------------------------------------------------------------
 * Processes
 * ---------------------------------------------------------------------
 */

int
keyapi_shared_nprocs(void)
{
	attach();
	return header->nprocs;
}

int
keyapi_shared_procno(void)
{
	return keyapi_my_procno();
}

bool
keyapi_shared_alive(int procno, int pid)
{
	/* before 17 a process that ends leaves its pid, but never its latch */
	return GetPGProcByNumber(procno)->procLatch.owner_pid == pid;
}
