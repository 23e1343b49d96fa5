/*-------------------------------------------------------------------------
 *
 * single_flight.c
 *	  Who is asking the API for a page right now.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/single_flight.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"

/*
 * Flights at a time.  What does not fit is asked for without anyone knowing,
 * which costs money in the worst case, but holds nobody.
 */
#define MAX_FLIGHTS 1024

/*
 * Pages whose failures are remembered; the oldest makes way.  Of one that is
 * forgotten too early, the next who waits tries again.
 */
#define MAX_REFUSALS 64

typedef struct PageId
{
	uint64		snapshot;		/* 0: none */
	int			page;
} PageId;

typedef struct Flight
{
	PageId		id;
	int			procno;			/* the leader's ... */
	int			pid;			/* ... and who that was */
	TimestampTz until;
} Flight;

/* A page that leaders failed to get; verdicts are numbered. */
typedef struct Refusal
{
	PageId		id;
	uint64		last;			/* number of the last verdict ... */
	uint64		before;			/* ... and of the one before; 0: none */
	KeyapiSharedFailure failure;	/* the last one */
} Refusal;

typedef struct FlightPart
{
	LWLock		lock;
	uint64		verdicts;		/* number of the latest one */
	Refusal		refusals[MAX_REFUSALS];
	int			num_flights;
	Flight		flights[MAX_FLIGHTS];	/* in no order */
	PageId		awaited[FLEXIBLE_ARRAY_MEMBER]; /* by process number: whose
												 * flight's end it wants to
												 * know of */
} FlightPart;

/* Whether this process may lead any flights. */
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
lock_part(void)
{
	FlightPart *part = keyapi_shared_part(&keyapi_flight_part);

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	return part;
}

static bool
is_same(PageId a, PageId b)
{
	return a.snapshot == b.snapshot && a.page == b.page;
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
			part->awaited[i].snapshot = 0;
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
 * Verdicts
 * ---------------------------------------------------------------------
 */

static Refusal *
find_refusal(FlightPart *part, PageId id)
{
	for (int i = 0; i < MAX_REFUSALS; i++)
	{
		if (is_same(part->refusals[i].id, id))
			return &part->refusals[i];
	}
	return NULL;
}

static Refusal *
oldest_refusal(FlightPart *part)
{
	Refusal    *oldest = &part->refusals[0];

	for (int i = 1; i < MAX_REFUSALS; i++)
	{
		if (part->refusals[i].last < oldest->last)
			oldest = &part->refusals[i];
	}
	return oldest;
}

static void
refuse(FlightPart *part, PageId id, const KeyapiSharedFailure *failure)
{
	Refusal    *refusal = find_refusal(part, id);

	if (refusal == NULL)
	{
		refusal = oldest_refusal(part);
		refusal->id = id;
		refusal->last = 0;
	}
	refusal->before = refusal->last;
	refusal->last = ++part->verdicts;
	refusal->failure = *failure;
}

/*
 * Whether two leaders have failed since the waiter began to wait.
 */
static bool
is_refused(FlightPart *part, PageId id, const KeyapiWaiter *waiter,
		   KeyapiSharedFailure *failure)
{
	Refusal    *refusal = waiter->since == 0 ? NULL : find_refusal(part, id);

	if (refusal == NULL || refusal->before < waiter->since)
		return false;
	*failure = refusal->failure;
	return true;
}

static void
begin_wait(FlightPart *part, KeyapiWaiter *waiter)
{
	if (waiter->since == 0)
		waiter->since = part->verdicts + 1;
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
	part = lock_part();
	begin_wait(part, waiter);
	LWLockRelease(&part->lock);
}

KeyapiFlightRole
keyapi_flight_lead(uint64 snapshot, int page, TimestampTz until,
				   KeyapiWaiter *waiter, KeyapiSharedFailure *failure)
{
	const PageId id = {snapshot, page};
	KeyapiFlightRole role = KEYAPI_FLIGHT_LEADER;
	FlightPart *part = lock_part();
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
keyapi_flight_extend(uint64 snapshot, int page, TimestampTz until)
{
	const PageId id = {snapshot, page};
	FlightPart *part = lock_part();
	Flight	   *flight = find(part, id);

	if (flight != NULL && is_mine(flight))
		flight->until = until;
	LWLockRelease(&part->lock);
}

void
keyapi_flight_end(uint64 snapshot, int page)
{
	const PageId id = {snapshot, page};
	FlightPart *part;
	Flight	   *flight;

	if (!may_lead)
		return;
	part = lock_part();
	flight = find(part, id);
	if (flight != NULL && is_mine(flight))
		end(part, flight);
	LWLockRelease(&part->lock);
}

void
keyapi_flight_fail(uint64 snapshot, int page, const KeyapiSharedFailure *failure)
{
	const PageId id = {snapshot, page};
	FlightPart *part = lock_part();
	Flight	   *flight = find(part, id);

	if (flight != NULL && is_mine(flight))
	{
		refuse(part, id, failure);
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
	part = lock_part();
	for (int i = part->num_flights - 1; i >= 0; i--)
	{
		if (is_mine(&part->flights[i]))
			end(part, &part->flights[i]);
	}
	LWLockRelease(&part->lock);
	may_lead = false;
}
