/*-------------------------------------------------------------------------
 *
 * outage.c
 *	  An API that is down: when it is asked again, and by how many.
 *
 * Each constant names the tests of test/unit/outage_test.c ("unit/gate")
 * that fail without it.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/outage.h"

#define US_PER_MS INT64CONST(1000)
#define US_PER_S INT64CONST(1000000)

/*
 * The first window, in us: short outages, as of a deployment, are over then.
 * Test: "an outage closes the gate for five seconds".
 */
#define FIRST_WINDOW_US (5 * US_PER_S)

/*
 * The longest window, in us, and how long others wait for a probe at most: a
 * session that is terminated does not give its probe up.
 * Test: "windows grow to a minute".
 */
#define LONGEST_WINDOW_US (60 * US_PER_S)

/*
 * How much longer than its request_timeout others wait for a probe, in us: it
 * takes a moment to tell them that it has failed.
 * Test: "nobody starts while a probe may still be answered".
 */
#define PROBE_SLACK_US US_PER_S

/*
 * How long after a window an outage is forgotten that nobody has looked into, in
 * us.  What failed an hour ago should not make one failure of today look like an
 * outage.
 * Test: "an outage that nobody looked into is forgotten".
 */
#define FORGET_AFTER_US (600 * US_PER_S)

bool
keyapi_outage_concerns(const KeyapiOutage *outage, const KeyapiPatience *patience)
{
	return outage->windows > 0 &&
		keyapi_waits_as_long(&outage->patience, patience);
}

/*
 * The length of the latest window.
 */
static int64
window_us(const KeyapiOutage *outage)
{
	int64		window_us = FIRST_WINDOW_US;

	for (int i = 1; i < outage->windows && window_us < LONGEST_WINDOW_US; i++)
		window_us *= 2;
	return Min(window_us, LONGEST_WINDOW_US);
}

void
keyapi_outage_start(KeyapiOutage *outage, int64 now_us,
					const KeyapiPatience *patience)
{
	int64		answer_us = patience->request_timeout_ms * US_PER_MS +
	PROBE_SLACK_US;

	if (now_us - outage->closed_until_us > FORGET_AFTER_US)
		outage->windows = 0;
	if (outage->windows == 0)
		return;
	if (!keyapi_outage_concerns(outage, patience))
		outage->patience = *patience;
	outage->probed_at_us = now_us;
	outage->closed_until_us = now_us +
		Min(Max(answer_us, window_us(outage)), LONGEST_WINDOW_US);
}

void
keyapi_outage_abandon(KeyapiOutage *outage, int64 sent_us)
{
	if (outage->windows > 0 && outage->probed_at_us == sent_us)
		outage->closed_until_us = Min(outage->closed_until_us,
									  sent_us + window_us(outage));
}

void
keyapi_outage_answered(KeyapiOutage *outage, int64 sent_us)
{
	outage->worked_at_us = Max(outage->worked_at_us, sent_us);
	outage->windows = 0;
	outage->closed_until_us = 0;
}

bool
keyapi_outage_failed(KeyapiOutage *outage, const KeyapiOutageFailure *failure,
					 int64 now_us)
{
	bool		known = outage->windows > 0;

	/* what was sent before the outage was known tells nothing new */
	if (failure->sent_us <= outage->closed_at_us)
		return false;
	if (!known && (!failure->final ||
				   outage->worked_at_us > failure->doubted_us))
		return false;

	outage->windows++;
	outage->closed_at_us = now_us;
	outage->closed_until_us = now_us + window_us(outage);
	outage->failed_probes += known;
	outage->cause = failure->cause;
	outage->status = failure->status;
	outage->patience = failure->patience;
	return known;
}

void
keyapi_outage_forget(KeyapiOutage *outage, int64 now_us)
{
	outage->windows = 0;
	outage->closed_at_us = now_us;
	outage->closed_until_us = 0;
}
