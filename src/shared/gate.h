/*-------------------------------------------------------------------------
 *
 * gate.h
 *	  When the next request with an API key may start: what the API has said of
 *	  its rate limit and of the account, and whether it is down.
 *
 * doc/rate-limits.md tells what a gate does, with an example.
 *
 * All times are readings of keyapi_gate_clock, which is the same for all
 * processes of a machine.  A gate has a fixed size and no pointers, and what
 * works on it neither waits nor raises errors, so that it can live in shared
 * memory under a lock: see account.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_GATE_H
#define KEYAPI_GATE_H

#include "compat.h"

#include "shared/outage.h"

#define US_PER_MS INT64CONST(1000)

/*
 * Until when nothing starts.  The API names the time or leaves it to guesses; a
 * guess can turn out to be too short, so guesses get longer.
 */
typedef struct KeyapiGatePause
{
	int64		broke_until_us; /* after a 402 */

	/* after a 429 */
	int64		closed_at_us;	/* when the gate was closed last ... */
	int64		closed_until_us;	/* ... and until when */
	int64		asked_until_us; /* until when the API asked for that, which
								 * may be later */
	int			closings;		/* since a request that met no limit */
	int64		too_short_us;	/* a pause that did not help; halved after
								 * each series of closings that ended */
} KeyapiGatePause;

/*
 * How many requests per second the API bears.  Pauses alone would let all
 * requests run into the limit again and again, and each refusal may cost money.
 */
typedef struct KeyapiGateRate
{
	double		borne;			/* what the API bore when it complained last;
								 * 0: it never did */
	bool		uncertain;		/* ... but that was too little to go by */
	int64		cut_at_us;		/* since when the rate grows again */
	bool		measuring;		/* what is answered after the 429 that was
								 * sent before it still counts for borne */

	/* successes in this second of the clock and in the one before */
	int64		second;
	int			successes;
	int			successes_before;
} KeyapiGateRate;

/*
 * When the next request is due at that rate, or at the user's.  Starts are
 * spaced evenly: limiters that allow no bursts refuse even a slow rate whose
 * requests come in heaps.
 */
typedef struct KeyapiGateSchedule
{
	int64		next_us;
	int64		last_us;		/* when the latest request did start; 0: none */
	int64		lag_us;			/* how far starts may be behind the schedule
								 * and still catch up with it */
} KeyapiGateSchedule;

/* Sixteenths of a second: those of the last second, and the one that is not over */
#define KEYAPI_GATE_SLOTS 17

/*
 * How many requests started in the last second.
 */
typedef struct KeyapiGateHistory
{
	int64		slot;			/* number of the latest slot with a start */
	int			starts[KEYAPI_GATE_SLOTS];	/* in slot number n: at n modulo
											 * KEYAPI_GATE_SLOTS */
} KeyapiGateHistory;

/* All zeroes is the gate of a key of which nothing is known. */
typedef struct KeyapiGate
{
	KeyapiGatePause pause;
	KeyapiGateRate rate;
	KeyapiGateSchedule schedule;
	KeyapiGateHistory history;
	KeyapiOutage outage;
} KeyapiGate;

/* Why nothing starts. */
typedef enum KeyapiPause
{
	KEYAPI_PAUSE_NONE,
	KEYAPI_PAUSE_RATE_LIMIT,
	KEYAPI_PAUSE_NO_CREDITS,
	KEYAPI_PAUSE_OUTAGE,
	KEYAPI_NUM_PAUSES
} KeyapiPause;

/*
 * The time in us, since any moment; it is not set back or forth.
 */
extern int64 keyapi_gate_clock(void);

/*
 * When the next request may start; a time that is not after now_us means at
 * once.  pace is the most requests per second that the user allows, 0 for any
 * number; patience is the user's.  After a pause one request goes alone: the
 * answer to it, which the caller must look for, may open the gate earlier.
 */
extern int64 keyapi_gate_opens(const KeyapiGate *gate, int64 now_us,
							   double pace, const KeyapiPatience *patience);

/*
 * Requests per second that the API seems to bear now; 0 if it never complained.
 */
extern double keyapi_gate_rate(const KeyapiGate *gate, int64 now_us);

/*
 * A request starts, which was allowed to.  pace and patience are as above.
 */
extern void keyapi_gate_start(KeyapiGate *gate, int64 now_us, double pace,
							  const KeyapiPatience *patience);

/*
 * Why the gate is closed, and until when in *until_us, which is not set if it is
 * not (KEYAPI_PAUSE_NONE).  Of several pauses the one that ends last.
 */
extern KeyapiPause keyapi_gate_paused(const KeyapiGate *gate, int64 now_us,
									  int64 *until_us);

/*
 * What users call a pause; NULL for KEYAPI_PAUSE_NONE.
 */
extern const char *keyapi_pause_name(KeyapiPause pause);

/*
 * A request that started at sent_us has been answered with what was asked for.
 */
extern void keyapi_gate_succeeded(KeyapiGate *gate, int64 sent_us,
								  int64 now_us);

/*
 * ... or with something else, but neither because of a limit nor of an outage.
 */
extern void keyapi_gate_passed(KeyapiGate *gate, int64 sent_us);

/*
 * ... or by an HTTP cache in front of the API, which tells nothing of an outage.
 */
extern void keyapi_gate_bypassed(KeyapiGate *gate, int64 sent_us);

/*
 * A request has failed because the API is out of order or out of reach.  If that
 * is an outage (see keyapi_outage_failed), close the gate.  Returns whether the
 * request was the probe of one.
 */
extern bool keyapi_gate_failed(KeyapiGate *gate, const KeyapiOutageFailure *failure,
							   int64 now_us);

/*
 * A request that started at sent_us met the rate limit (429): slow down, and
 * close the gate.
 *
 * It is closed for retry_after_ms or, if that is not positive, for a random time
 * below a bound that doubles from closing to closing up to max_wait_ms, on top of
 * a pause that turned out to be too short.  If retry_after_ms turns out to be too
 * short, such a random time comes on top of it too: others may wait for the same
 * moment.  But the API may ask for nonsense: after max_wait_ms (a second at least)
 * one request finds out, whatever it asked for.  Answers to requests that were
 * sent before the gate closed tell nothing new, unless they ask for a longer
 * pause.  random is in [0, 1).
 */
extern void keyapi_gate_limited(KeyapiGate *gate, int64 sent_us, int64 now_us,
								int64 retry_after_ms, int max_wait_ms,
								double random);

/*
 * The account has no credits (402), says the answer to a request that started at
 * sent_us: nothing will succeed for a while.
 */
extern void keyapi_gate_refused(KeyapiGate *gate, int64 sent_us, int64 now_us);

/*
 * End all pauses, and forget what they were for.
 */
extern void keyapi_gate_resume(KeyapiGate *gate, int64 now_us);

/*
 * A random delay in us, below bound_ms * 2^doublings and below max_ms.  random is
 * in [0, 1).  ("Full jitter": many that failed together come back one by one.)
 */
extern int64 keyapi_full_jitter(int bound_ms, int doublings, int max_ms,
								double random);

#endif							/* KEYAPI_GATE_H */
