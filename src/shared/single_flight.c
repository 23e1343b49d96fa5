/*-------------------------------------------------------------------------
 *
 * single_flight.c
 *	  Which session is asking the API for a page right now.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/single_flight.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

/*
 * Flights at a time.  A page that does not fit is asked for without the others
 * knowing: in the worst case it is paid for twice, but nobody has to wait.
 */
#define MAX_FLIGHTS 1024

/*
 * Pages whose failures are remembered; the oldest makes way.  If one is forgotten
 * too early, the next waiter tries again.
 */
#define MAX_FAILED_PAGES 64

typedef struct PageId
{
	uint64		listing;		/* 0: none */
	int			page;
} PageId;

typedef struct Flight
{
	PageId		id;
	int			procno;			/* the leader's number ... */
	int			pid;			/* ... and process */
	TimestampTz until;
} Flight;

/* A page that leaders failed to get.  Failures are numbered. */
typedef struct FailedPage
{
	PageId		id;
	uint64		number;			/* of the last failure; 0: none */
	KeyapiSharedFailure failure;	/* that one */
} FailedPage;

typedef struct FlightPart
{
	LWLock		lock;
	uint64		failures;		/* so far */
	FailedPage	failed[MAX_FAILED_PAGES];
	int			num_flights;
	Flight		flights[MAX_FLIGHTS];	/* in no order */
	PageId		awaited[FLEXIBLE_ARRAY_MEMBER]; /* by process number: the page
												 * whose flight's end wakes it */
} FlightPart;

/* False: this process leads no flights. */
static bool may_lead = false;

static Size
part_size(int nprocs)
{
	return add_size(offsetof(FlightPart, awaited),
					mul_size(sizeof(PageId), nprocs));
}

const KeyapiSharedPart keyapi_flight_part = {
	.lock_name = "KeyapiFlights",
	.size = part_size,
};

static FlightPart *
lock_part(LWLockMode mode)
{
	FlightPart *part = keyapi_shared_part(&keyapi_flight_part);

	LWLockAcquire(&part->lock, mode);
	return part;
}

static bool
is_same(PageId a, PageId b)
{
	return a.listing == b.listing && a.page == b.page;
}

/* ---------------------------------------------------------------------
 * Flights
 * ---------------------------------------------------------------------
 */

static bool
is_mine(const Flight *flight)
{
	return flight->procno == keyapi_shared_procno() && flight->pid == MyProcPid;
}

static bool
is_over(const Flight *flight)
{
	return !keyapi_shared_alive(flight->procno, flight->pid) ||
		GetCurrentTimestamp() >= flight->until;
}

static Flight *
find(FlightPart *part, PageId id)
{
	for (int i = 0; i < part->num_flights; i++)
	{
		if (is_same(part->flights[i].id, id))
			return &part->flights[i];
	}
	return NULL;
}

/*
 * A place for one more flight, or NULL.  Processes that died have left theirs.
 */
static Flight *
make_flight(FlightPart *part)
{
	for (int i = part->num_flights - 1; i >= 0 &&
		 part->num_flights == MAX_FLIGHTS; i--)
	{
		if (is_over(&part->flights[i]))
			part->flights[i] = part->flights[--part->num_flights];
	}
	return part->num_flights == MAX_FLIGHTS ? NULL :
		&part->flights[part->num_flights++];
}

static void
wake(FlightPart *part, PageId id)
{
	for (int i = 0; i < keyapi_shared_nprocs(); i++)
	{
		if (is_same(part->awaited[i], id))
		{
			part->awaited[i].listing = 0;
			SetLatch(&GetPGProcByNumber(i)->procLatch);
		}
	}
}

/*
 * End a flight.  Another one takes its place in the array.
 */
static void
end(FlightPart *part, Flight *flight)
{
	PageId		id = flight->id;

	*flight = part->flights[--part->num_flights];
	wake(part, id);
}

/* ---------------------------------------------------------------------
 * Failures
 * ---------------------------------------------------------------------
 */

static FailedPage *
find_failed(FlightPart *part, PageId id)
{
	for (int i = 0; i < MAX_FAILED_PAGES; i++)
	{
		if (is_same(part->failed[i].id, id))
			return &part->failed[i];
	}
	return NULL;
}

static FailedPage *
oldest_failed(FlightPart *part)
{
	FailedPage *oldest = &part->failed[0];

	for (int i = 1; i < MAX_FAILED_PAGES; i++)
	{
		if (part->failed[i].number < oldest->number)
			oldest = &part->failed[i];
	}
	return oldest;
}

static void
remember(FlightPart *part, PageId id, const KeyapiSharedFailure *failure)
{
	FailedPage *page = find_failed(part, id);

	if (page == NULL)
		page = oldest_failed(part);
	page->id = id;
	page->number = ++part->failures;
	page->failure = *failure;
}

/*
 * Whether a leader has failed since the waiter began to wait, and the waiter
 * would have fared no better.
 */
static bool
is_refused(FlightPart *part, PageId id, const KeyapiWaiter *waiter,
		   KeyapiSharedFailure *failure)
{
	FailedPage *page = waiter->since == 0 ? NULL : find_failed(part, id);

	if (page == NULL || page->number < waiter->since ||
		!keyapi_is_as_patient(&page->failure.patience, &waiter->patience))
		return false;
	*failure = page->failure;
	return true;
}

static void
begin_wait(FlightPart *part, KeyapiWaiter *waiter)
{
	if (waiter->since == 0)
		waiter->since = part->failures + 1;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

/*
 * Another process leads the flight.
 */
static void
wait_for(FlightPart *part, PageId id, KeyapiWaiter *waiter)
{
	begin_wait(part, waiter);
	if (waiter->urgent)
		part->awaited[keyapi_shared_procno()] = id;
}

void
keyapi_flight_begin_wait(KeyapiWaiter *waiter)
{
	FlightPart *part;

	if (waiter->since != 0)
		return;
	part = lock_part(LW_EXCLUSIVE);
	begin_wait(part, waiter);
	LWLockRelease(&part->lock);
}

bool
keyapi_flight_is_refused(uint64 listing, int page, const KeyapiWaiter *waiter,
						 KeyapiSharedFailure *failure)
{
	const PageId id = {listing, page};
	FlightPart *part;
	bool		refused;

	if (waiter->since == 0)
		return false;
	part = lock_part(LW_SHARED);
	refused = is_refused(part, id, waiter, failure);
	LWLockRelease(&part->lock);
	return refused;
}

KeyapiFlightRole
keyapi_flight_lead(uint64 listing, int page, TimestampTz until,
				   KeyapiWaiter *waiter, KeyapiSharedFailure *failure)
{
	const PageId id = {listing, page};
	KeyapiFlightRole role = KEYAPI_FLIGHT_LEADER;
	FlightPart *part = lock_part(LW_EXCLUSIVE);
	Flight	   *flight = find(part, id);

	if (is_refused(part, id, waiter, failure))
		role = KEYAPI_FLIGHT_REFUSED;
	else if (flight != NULL && !is_mine(flight) && !is_over(flight))
	{
		wait_for(part, id, waiter);
		role = KEYAPI_FLIGHT_WAITER;
	}
	else if (flight != NULL || (flight = make_flight(part)) != NULL)
	{
		*flight = (Flight)
		{
			id, keyapi_shared_procno(), MyProcPid, until
		};
		may_lead = true;
	}
	LWLockRelease(&part->lock);
	return role;
}

void
keyapi_flight_extend(uint64 listing, int page, TimestampTz until)
{
	const PageId id = {listing, page};
	FlightPart *part = lock_part(LW_EXCLUSIVE);
	Flight	   *flight = find(part, id);

	if (flight != NULL && is_mine(flight))
		flight->until = until;
	LWLockRelease(&part->lock);
}

void
keyapi_flight_end(uint64 listing, int page)
{
	const PageId id = {listing, page};
	FlightPart *part;
	Flight	   *flight;

	if (!may_lead)
		return;
	part = lock_part(LW_EXCLUSIVE);
	flight = find(part, id);
	if (flight != NULL && is_mine(flight))
		end(part, flight);
	LWLockRelease(&part->lock);
}

void
keyapi_flight_fail(uint64 listing, int page, const KeyapiSharedFailure *failure)
{
	const PageId id = {listing, page};
	FlightPart *part = lock_part(LW_EXCLUSIVE);
	Flight	   *flight = find(part, id);

	if (flight != NULL && is_mine(flight))
	{
		remember(part, id, failure);
		end(part, flight);
	}
	LWLockRelease(&part->lock);
}

void
keyapi_flight_end_all(void)
{
	FlightPart *part;

	if (!may_lead)
		return;
	part = lock_part(LW_EXCLUSIVE);
	for (int i = part->num_flights - 1; i >= 0; i--)
	{
		if (is_mine(&part->flights[i]))
			end(part, &part->flights[i]);
	}
	LWLockRelease(&part->lock);
	may_lead = false;
}
