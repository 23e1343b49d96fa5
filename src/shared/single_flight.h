/*-------------------------------------------------------------------------
 *
 * single_flight.h
 *	  Which session is asking the API for a page right now, so that the others
 *	  wait for the answer and do not ask too.
 *
 * A flight is a page of a cached listing that one session, its leader, is asking
 * for.  It lasts only while the leader drives its transfers: a session that
 * leaves that, by returning a row or by an error, ends all of its flights.  A
 * flight whose leader is gone, or whose time is up, is over: the next session
 * that wants the page leads it anew.
 *
 * If a leader fails for good, the waiters adopt its failure; otherwise each of
 * them would pay for the same answer in turn.  But a waiter that is more patient
 * than the leader was asks for itself, if patience may help.  Waiters that join
 * later are not affected by earlier failures.
 *
 * Memory of a backend's own has no other session that could lead a flight.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SINGLE_FLIGHT_H
#define KEYAPI_SINGLE_FLIGHT_H

#include "compat.h"

#include "utils/timestamp.h"

#include "shared/patience.h"
#include "shared/shared_memory.h"

/*
 * How long to wait for another session's flight before asking again, in ms: a
 * leader that dies wakes nobody.
 */
#define KEYAPI_FLIGHT_POLL 100

/*
 * How much longer than its request_timeout a leader leads a flight, in ms: it
 * takes a moment to tell the others what has come of it, and nobody is to ask
 * meanwhile.  Only those that outwait a leader that hangs notice.
 */
#define KEYAPI_FLIGHT_SLACK 5000

extern const KeyapiSharedPart keyapi_flight_part;

/* Sizes of the texts of a failure, the NULs included. */
#define KEYAPI_SHARED_FAILURE_TEXT_LEN 256
#define KEYAPI_SHARED_FAILURE_ID_LEN 64

/*
 * Why a leader did not get the page: what other sessions need of the
 * KeyapiFailure in failure.h.  Texts are UTF-8, clipped, and empty if unknown.
 */
typedef struct KeyapiSharedFailure
{
	int			cause;			/* a KeyapiCause */
	int			status;
	int64		code;
	int64		retry_after_ms;
	int			attempts;
	char		api_message[KEYAPI_SHARED_FAILURE_TEXT_LEN];
	char		request_id[KEYAPI_SHARED_FAILURE_ID_LEN];
	char		reason[KEYAPI_SHARED_FAILURE_TEXT_LEN];
	KeyapiPatience patience;	/* the leader's; endless, if more would not
								 * have helped */
} KeyapiSharedFailure;

/* How a caller waits for a page. */
typedef struct KeyapiWaiter
{
	bool		urgent;			/* set the latch when another's flight ends */
	KeyapiPatience patience;
	uint64		since;			/* number of the first failure that concerns
								 * the caller; kept here for this module.  The
								 * caller sets 0 when it begins to wait anew */
} KeyapiWaiter;

typedef enum KeyapiFlightRole
{
	KEYAPI_FLIGHT_LEADER,
	KEYAPI_FLIGHT_WAITER,
	KEYAPI_FLIGHT_REFUSED
} KeyapiFlightRole;

/*
 * Try to lead the flight of a page, until the given time at most.  listing is the
 * number of a KeyapiCachedId, page counts from 1.
 *
 * LEADER: ask for the page.  But look in the cache first: it may have arrived
 * since the caller looked last.
 * WAITER: another session leads it.  Call again, with the same waiter, when the
 * latch was set (see KeyapiWaiter), or after KEYAPI_FLIGHT_POLL: one of the
 * waiters will lead it.  A process can be urgent about one page at a time.
 * REFUSED: as keyapi_flight_is_refused.
 */
extern KeyapiFlightRole keyapi_flight_lead(uint64 listing, int page,
										   TimestampTz until,
										   KeyapiWaiter *waiter,
										   KeyapiSharedFailure *failure);

/*
 * Whether a leader has failed while the caller waited, which was at least as
 * patient; *failure is what it met.
 */
extern bool keyapi_flight_is_refused(uint64 listing, int page,
									 const KeyapiWaiter *waiter,
									 KeyapiSharedFailure *failure);

/*
 * The caller has to wait before it may try to lead: failures of leaders from now
 * on concern it, too.  Nothing happens if it waits already.
 */
extern void keyapi_flight_begin_wait(KeyapiWaiter *waiter);

/*
 * Lead a flight for a longer time, if this session leads it.
 */
extern void keyapi_flight_extend(uint64 listing, int page, TimestampTz until);

/*
 * A page's flight is over: the page is in the cache, or the leader gave it up.
 * Does nothing if this session does not lead it.
 */
extern void keyapi_flight_end(uint64 listing, int page);

/*
 * The same, because the leader has failed and will not try again.
 */
extern void keyapi_flight_fail(uint64 listing, int page,
							   const KeyapiSharedFailure *failure);

/*
 * End all flights that this session leads.
 */
extern void keyapi_flight_end_all(void);

#endif							/* KEYAPI_SINGLE_FLIGHT_H */
