/*-------------------------------------------------------------------------
 *
 * outage.h
 *	  An API that is down: when it is asked again, and by how many.
 *
 * When a page has failed for good because the API is out of order or out of
 * reach, the outage is known.  Then there are windows: nothing is asked for some
 * seconds, then one request, the probe, finds out whether the outage is over.
 * If it fails too, the next window is twice as long.
 *
 * A part of the gate (gate.h), which says more about times and locks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_OUTAGE_H
#define KEYAPI_OUTAGE_H

#include "compat.h"

#include "shared/patience.h"

/* All zeroes: no outage is known. */
typedef struct KeyapiOutage
{
	int			windows;		/* since the API worked; 0: no outage is known */
	int64		closed_at_us;	/* when the latest one began ... */
	int64		closed_until_us;	/* ... and ends; while a probe is under
									 * way, until when others wait for it */
	int64		probed_at_us;	/* when the latest probe was sent */
	int64		worked_at_us;	/* when the latest request was sent that the
								 * API answered in order */
	int64		failed_probes;	/* ever */

	/* the latest failure */
	int			cause;			/* a KeyapiCause */
	int			status;			/* HTTP status, or 0 */
	KeyapiPatience patience;	/* those who wait longer are not concerned */
} KeyapiOutage;

/* A request that failed because the API is out of order or out of reach. */
typedef struct KeyapiOutageFailure
{
	int64		doubted_us;		/* what has been answered that was sent since
								 * then shows that there is no outage */
	int64		sent_us;
	bool		final;			/* it is not tried again */
	int			cause;			/* a KeyapiCause */
	int			status;			/* HTTP status, or 0 */
	KeyapiPatience patience;	/* endless unless the timeouts matter */
} KeyapiOutageFailure;

/*
 * Whether an outage is known that concerns somebody of this patience.
 */
extern bool keyapi_outage_concerns(const KeyapiOutage *outage,
								   const KeyapiPatience *patience);

/*
 * A request starts that this outage does not hold back.  If an outage is known,
 * it is the probe: others wait for it, for as long as the patience says, but a
 * minute at most.
 */
extern void keyapi_outage_start(KeyapiOutage *outage, int64 now_us,
								const KeyapiPatience *patience);

/*
 * The request that started at sent_us was given up.  If it was the probe, the
 * others do not wait for it any longer, but its window stays.
 */
extern void keyapi_outage_abandon(KeyapiOutage *outage, int64 sent_us);

/*
 * The API has answered a request that started at sent_us in order: there is no
 * outage.
 */
extern void keyapi_outage_answered(KeyapiOutage *outage, int64 sent_us);

/*
 * A request has failed.  An outage begins if it is final, unless something has
 * been answered that was sent since doubted_us; or it goes on if the request was
 * sent in it.  Returns whether that was so, i.e. whether the request
 * was a probe.
 */
extern bool keyapi_outage_failed(KeyapiOutage *outage,
								 const KeyapiOutageFailure *failure, int64 now_us);

/*
 * Forget the outage.  What is under way may still fail, which begins no new one.
 */
extern void keyapi_outage_forget(KeyapiOutage *outage, int64 now_us);

#endif							/* KEYAPI_OUTAGE_H */
