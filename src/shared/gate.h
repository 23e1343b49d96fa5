/*-------------------------------------------------------------------------
 *
 * gate.h
 *	  When the next request with an API key may start: what the API has said of
 *	  its rate limit and of the account.
 *
 * All times are readings of keyapi_gate_clock, in us, the same for all
 * processes of a machine.  A gate has a fixed size and no pointers, and what
 * works on it neither waits nor raises errors, so that it can live in shared
 * memory under a lock: account.h has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_GATE_H
#define KEYAPI_GATE_H

#include "compat.h"

#define US_PER_MS INT64CONST(1000)

/* All zeroes is the gate of a key of which nothing is known. */
typedef struct KeyapiGate
{
	/* after a 402 */
	int64		broke_until_us; /* ask for nothing until then */

	/* after a 429 */
	int64		closed_at_us;	/* when the gate was closed last ... */
	int64		closed_until_us;	/* ... and until when */
	int			closings;		/* since a request that met no limit */
	int64		too_short_us;	/* a pause that did not help, us; halved after
								 * each series of closings that ended */
	double		rate;			/* requests per second that the API seems to
								 * bear, at rate_at; 0: it never complained */
	int64		rate_at_us;
	double		recovery;		/* what the rate gains per second since ... */
	double		plateau;		/* ... until it is as high as this ... */
	int64		plateau_time_us;	/* ... and after that time, from rate_at */
	bool		measuring;		/* what is answered after the 429 that was
								 * sent before it still counts for the rate */

	/* pacing, by a schedule of starts that are evenly spaced */
	int64		next_start_us;
	int64		last_start_us;	/* of the latest request, in fact */
	int64		lag_us;			/* how far behind the schedule may be: a pause
								 * is made up for */

	/* successes in this second of the clock and in the one before */
	int64		second;
	int			successes;
	int			successes_before;
} KeyapiGate;

extern int64 keyapi_gate_clock(void);

/*
 * When the next request may start; not after now means at once.  pace is the
 * most requests per second that the user allows, 0 for any number.  After a
 * pause one request goes alone: the answer to it, which the caller must look for,
 * may open the gate earlier.
 */
extern int64 keyapi_gate_opens(const KeyapiGate *gate, int64 now, double pace);

/*
 * A request starts, which was allowed to.
 */
extern void keyapi_gate_start(KeyapiGate *gate, int64 now, double pace);

/*
 * A request that started at the time sent has been answered with what was asked
 * for.
 */
extern void keyapi_gate_succeeded(KeyapiGate *gate, int64 sent, int64 now);

/*
 * ... or with something else, but not because of a limit.
 */
extern void keyapi_gate_passed(KeyapiGate *gate, int64 sent);

/*
 * A request that started at the time sent met the rate limit (429): slow down,
 * and close the gate for retry_after_ms ms or, if that is not positive, for a random
 * time below a bound that doubles from closing to closing up to max_wait_ms ms, on
 * top of what turned out to be too short.  (If retry_after_ms turns out to be too
 * short, such a time comes on top too: others may wait for the same moment.)
 * Answers to requests that were sent before the gate closed say nothing new, but
 * that a longer pause is asked for.  random is in [0, 1).
 */
extern void keyapi_gate_limited(KeyapiGate *gate, int64 sent, int64 now,
								int64 retry_after_ms, int max_wait_ms,
								double random);

/*
 * The account has no credits (402): nothing will succeed for a while.
 */
extern void keyapi_gate_refused(KeyapiGate *gate, int64 now);

/*
 * A random delay in us below bound * 2^doublings, which is at most max; both in
 * ms.  ("Full jitter": many who failed together come back one by one.)
 */
extern int64 keyapi_full_jitter(int bound, int doublings, int max,
								double random);

#endif							/* KEYAPI_GATE_H */
