/*-------------------------------------------------------------------------
 *
 * hold.h
 *	  Requests that are held: delayed, stalled, or awaiting an event.
 *
 * A held request is a suspended connection; one thread watches the clock and
 * the clients.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_HOLD_H
#define EMULATOR_HOLD_H

#include <microhttpd.h>

#include "state.h"

#define HOLD_FOREVER INT64_MAX

typedef enum HoldKind
{
	HOLD_DELAY,					/* until its time has come */
	HOLD_STALL,					/* until hold_release() */
	HOLD_AWAIT					/* until an event, or its time has come */
} HoldKind;

typedef enum HoldEvent
{
	EVENT_REQUESTS,				/* at least so many requests have come */
	EVENT_STALLED,				/* at least so many are stalled now */
	EVENT_INFLIGHT				/* at least so many are in flight now; 0: none */
} HoldEvent;

/* Zeroes when not held.  Owned by the request, which outlives the hold. */
typedef struct Hold
{
	/* set by the owner before hold_start() */
	HoldKind	kind;
	struct MHD_Connection *connection;
	Scenario   *scenario;
	int64_t		due;			/* monotonic us */
	HoldEvent	event;			/* HOLD_AWAIT only */
	long		wanted;

	/* the answer, when the connection has been resumed */
	bool		gone;			/* the client went away */
	bool		timed_out;		/* its time had come */

	/* private */
	struct Hold *prev;
	struct Hold *next;
	uint64_t	id;
	int			fd;
} Hold;

/* Start the thread; once, without the lock. */
extern void hold_init(void);

/*
 * Suspend the connection and hold the request, from within its handler.
 * All of these need state_lock.
 */
extern void hold_start(Hold *hold);

/* Has the event of a HOLD_AWAIT come? */
extern bool hold_event_is_here(const Hold *hold);

/* Wake the control commands that wait for a number of the scenario. */
extern void hold_signal(Scenario *scenario);

/* Let the scenario's stalled requests go on. */
extern void hold_release(Scenario *scenario);

#endif							/* EMULATOR_HOLD_H */
