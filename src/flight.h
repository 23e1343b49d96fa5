/*-------------------------------------------------------------------------
 *
 * flight.h
 *	  Who is asking the API for a page right now, so that others wait for the
 *	  answer and do not ask too.
 *
 * A flight is a page of a snapshot that one session, its leader, is asking for.
 * It lasts only while the leader drives its transfers: whoever leaves that, by
 * returning a row or by an error, ends all of its flights.  A flight whose
 * leader is gone, or whose time is up, is nobody's: the first who wants the page
 * leads it anew.
 *
 * In memory of the backend's own there is nobody else to lead a flight.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FLIGHT_H
#define KEYAPI_FLIGHT_H

#include "compat.h"

#include "utils/timestamp.h"

/*
 * How long to wait for another's flight before asking again, in ms: a leader
 * that dies wakes nobody.
 */
#define KEYAPI_FLIGHT_POLL 100

extern Size keyapi_flight_part_size(int nprocs);

/*
 * Lead the flight of a page, until the given time at most; also to extend a
 * flight of this session's.  False: another session leads it, and this
 * process's latch will be set when it ends.  Call again then, or after
 * KEYAPI_FLIGHT_POLL: one of those who waited will lead it.
 *
 * The page may have arrived since the caller looked for it, so look again if
 * this returns true.
 */
extern bool keyapi_flight_lead(uint64 snapshot, int page, TimestampTz until);

/*
 * A page's flight is over: it is in the cache, or the leader gave it up.  Does
 * nothing if this session does not lead it.
 */
extern void keyapi_flight_end(uint64 snapshot, int page);

/*
 * End all flights that this session leads.
 */
extern void keyapi_flight_end_all(void);

#endif							/* KEYAPI_FLIGHT_H */
