/*-------------------------------------------------------------------------
 *
 * single_flight.h
 *	  Who is asking the API for a page right now, so that others wait for the
 *	  answer and do not ask too.
 *
 * A flight is a page of a snapshot that one session, its leader, is asking for.
 * It lasts only while the leader drives its transfers: whoever leaves that, by
 * returning a row or by an error, ends all of its flights.  A flight whose
 * leader is gone, or whose time is up, is nobody's: the first who wants the page
 * leads it anew.
 *
 * If a leader fails for good, one of those who wait leads the flight anew; if
 * that one fails too, the others take its verdict for theirs, for otherwise each
 * of them would pay for the same answer in turn.  Who begins to wait later knows
 * nothing of that.
 *
 * In memory of the backend's own there is nobody else to lead a flight.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SINGLE_FLIGHT_H
#define KEYAPI_SINGLE_FLIGHT_H

#include "compat.h"

#include "utils/timestamp.h"

#include "shared/shared_memory.h"

/*
 * How long to wait for another's flight before asking again, in ms: a leader
 * that dies wakes nobody.
 */
#define KEYAPI_FLIGHT_POLL 100

extern const KeyapiSharedPart keyapi_flight_part;

/* Sizes of the texts of a verdict, the NULs included. */
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
} KeyapiSharedFailure;

/* Who wants a page, and how. */
typedef struct KeyapiWaiter
{
	bool		urgent;			/* set the latch when another's flight ends */
	uint64		since;			/* since which verdict the caller waits, kept
								 * here for it; it sets 0 when it begins anew */
} KeyapiWaiter;

typedef enum KeyapiFlightRole
{
	KEYAPI_FLIGHT_LEADER,
	KEYAPI_FLIGHT_WAITER,
	KEYAPI_FLIGHT_REFUSED
} KeyapiFlightRole;

/*
 * Try to lead the flight of a page, until the given time at most.
 *
 * WAITER: another session leads it.  Call again, with the same waiter, when the
 * latch was set (see KeyapiWaiter), or after KEYAPI_FLIGHT_POLL: one of those who
 * waited will lead it.  A process is urgent about one page at a time.
 * REFUSED: two leaders have failed while the caller waited; *verdict is set.
 *
 * The page may have arrived since the caller looked for it, so look again if
 * this makes it the leader.
 */
extern KeyapiFlightRole keyapi_flight_lead(uint64 snapshot, int page,
										   TimestampTz until,
										   KeyapiWaiter *waiter,
										   KeyapiSharedFailure *failure);

/*
 * The caller waits before it may lead: what leaders find meanwhile is true for
 * it, too.  Nothing happens if it waits already.
 */
extern void keyapi_flight_begin_wait(KeyapiWaiter *waiter);

/*
 * Lead a flight for a longer time, if this session leads it.
 */
extern void keyapi_flight_extend(uint64 snapshot, int page, TimestampTz until);

/*
 * A page's flight is over: it is in the cache, or the leader gave it up.  Does
 * nothing if this session does not lead it.
 */
extern void keyapi_flight_end(uint64 snapshot, int page);

/*
 * The same, for the leader has failed and will not try again.
 */
extern void keyapi_flight_fail(uint64 snapshot, int page,
							   const KeyapiSharedFailure *failure);

/*
 * End all flights that this session leads.
 */
extern void keyapi_flight_end_all(void);

#endif							/* KEYAPI_SINGLE_FLIGHT_H */
