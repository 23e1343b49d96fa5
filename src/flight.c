/*-------------------------------------------------------------------------
 *
 * flight.c
 *	  Who is asking the API for a page right now.
 *
 *-------------------------------------------------------------------------
 */
#include "flight.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"

#include "shared.h"

/*
 * Flights at a time.  What does not fit is asked for without anyone knowing,
 * which costs money in the worst case, but holds nobody.
 */
#define MAX_FLIGHTS 1024

typedef struct Flight
{
	uint64		snapshot;
	int			page;
	int			procno;			/* the leader's ... */
	int			pid;			/* ... and who that was */
	TimestampTz until;
} Flight;

typedef struct FlightPart
{
	LWLock		lock;
	int			num_flights;
	Flight		flights[MAX_FLIGHTS];	/* in no order */
	bool		waiting[FLEXIBLE_ARRAY_MEMBER]; /* by process number: wants to
												 * know of a flight's end */
} FlightPart;

/* Flights that this process leads, as far as it knows. */
static int	num_led = 0;

Size
keyapi_flight_part_size(int nprocs)
{
	return add_size(offsetof(FlightPart, waiting), sizeof(bool) * nprocs);
}

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
find(FlightPart *part, uint64 snapshot, int page)
{
	for (int i = 0; i < part->num_flights; i++)
	{
		Flight	   *flight = &part->flights[i];

		if (flight->snapshot == snapshot && flight->page == page)
			return flight;
	}
	return NULL;
}

static void
wake_all(FlightPart *part)
{
	for (int i = 0; i < keyapi_shared_nprocs(); i++)
	{
		if (part->waiting[i])
		{
			part->waiting[i] = false;
			SetLatch(&GetPGProcByNumber(i)->procLatch);
		}
	}
}

bool
keyapi_flight_lead(uint64 snapshot, int page, TimestampTz until)
{
	FlightPart *part = keyapi_shared_part(KEYAPI_PART_FLIGHTS);
	bool		lead = true;
	Flight	   *flight;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	flight = find(part, snapshot, page);
	if (flight != NULL && !is_mine(flight) && !is_over(flight))
	{
		part->waiting[keyapi_shared_procno()] = true;
		lead = false;
	}
	else if (flight != NULL || part->num_flights < MAX_FLIGHTS)
	{
		if (flight == NULL)
			flight = &part->flights[part->num_flights++];
		*flight = (Flight)
		{
			snapshot, page, keyapi_shared_procno(), MyProcPid, until
		};
		num_led++;
	}
	LWLockRelease(&part->lock);
	return lead;
}

/*
 * End this session's flights: that of a page, or all if snapshot is 0.
 */
static void
end(uint64 snapshot, int page)
{
	FlightPart *part = keyapi_shared_part(KEYAPI_PART_FLIGHTS);
	bool		ended = false;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	for (int i = part->num_flights - 1; i >= 0; i--)
	{
		Flight	   *flight = &part->flights[i];

		if (!is_mine(flight) ||
			(snapshot != 0 &&
			 (flight->snapshot != snapshot || flight->page != page)))
			continue;
		*flight = part->flights[--part->num_flights];
		ended = true;
	}
	if (ended)
		wake_all(part);
	LWLockRelease(&part->lock);
}

void
keyapi_flight_end(uint64 snapshot, int page)
{
	if (num_led > 0)
		end(snapshot, page);
}

void
keyapi_flight_end_all(void)
{
	if (num_led > 0)
		end(0, 0);
	num_led = 0;
}
