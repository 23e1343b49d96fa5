/*-------------------------------------------------------------------------
 *
 * outage_test.c
 *	  The gate of an API that is down: when it is asked again, and by how many.
 *	  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/gate.h"

#include <stdio.h>

#define US_PER_S INT64CONST(1000000)

static const KeyapiPatience patient = {10000, 20000, 5, 60000};
static const KeyapiPatience impatient = {10000, 500, 0, 60000};

static int	ntests = 0;
static int	nfailed = 0;

static void
report(bool ok, const char *name)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++ntests, name);
	nfailed += !ok;
}

static bool
is_open(const KeyapiGate *gate, int64 now)
{
	return keyapi_gate_opens(gate, now, 0, &patient) <= now;
}

/*
 * A page has failed; patience is NULL if none would have changed that.
 */
static bool
fail(KeyapiGate *gate, int64 sent, int64 now, bool final, const KeyapiPatience *patience)
{
	const KeyapiOutageFailure failure = {
		.doubted_us = sent,
		.sent_us = sent,
		.final = final,
		.cause = 1,
		.status = 503,
		.patience = patience == NULL ? KEYAPI_ENDLESS_PATIENCE : *patience,
	};

	return keyapi_gate_failed(gate, &failure, now);
}

/*
 * A gate that has just been closed because the API is down.
 */
static KeyapiGate
gate_in_outage(int64 now, const KeyapiPatience *patience)
{
	KeyapiGate	gate = {0};

	keyapi_gate_start(&gate, now - 1, 0, &patient);
	(void) fail(&gate, now - 1, now, true, patience);
	return gate;
}

static bool
opens_at(const KeyapiGate *gate, int64 time)
{
	return !is_open(gate, time - 1) && is_open(gate, time);
}

static void
test_outage_begins(void)
{
	int64		now = 1000 * US_PER_S;
	int64		until;
	KeyapiGate	gate = {0};

	keyapi_gate_start(&gate, now - 1, 0, &patient);
	(void) fail(&gate, now - 1, now, false, NULL);
	report(is_open(&gate, now), "a failure that is tried again is no outage");
	report(keyapi_gate_paused(&gate, now, &until) == KEYAPI_PAUSE_NONE, "... and no pause");

	keyapi_gate_succeeded(&gate, now + 2, now + 3);
	(void) fail(&gate, now + 1, now + 4, true, NULL);
	report(is_open(&gate, now + 4), "... and none if others have been answered since");

	gate = gate_in_outage(now, NULL);
	report(opens_at(&gate, now + 5 * US_PER_S), "an outage closes the gate for five seconds");
	report(keyapi_gate_paused(&gate, now, &until) == KEYAPI_PAUSE_OUTAGE &&
		   until == now + 5 * US_PER_S, "... and can say so");
	(void) fail(&gate, now - 1, now + 1, true, NULL);
	report(opens_at(&gate, now + 5 * US_PER_S), "... whatever was under way");
	keyapi_gate_succeeded(&gate, now - 2, now + 2);
	report(is_open(&gate, now + 2), "... unless that succeeds");

	gate = gate_in_outage(now, NULL);
	keyapi_gate_resume(&gate, now + 1);
	report(is_open(&gate, now + 1), "an outage can be ended by hand");
	(void) fail(&gate, now - 1, now + 2, true, NULL);
	report(is_open(&gate, now + 2), "... and what was under way then begins no new one");
}

/*
 * One window after the other, each with a probe that fails at once.
 */
static void
test_outage_windows(void)
{
	const int	seconds[] = {5, 10, 20, 40, 60, 60};
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = gate_in_outage(now, NULL);
	bool		ok = true;
	bool		probes = true;

	for (int i = 0; i < (int) lengthof(seconds); i++)
	{
		ok = ok && opens_at(&gate, now + seconds[i] * US_PER_S);
		now += seconds[i] * US_PER_S;
		keyapi_gate_start(&gate, now, 0, &patient);
		ok = ok && !is_open(&gate, now);
		probes = fail(&gate, now, now + 1, false, NULL) && probes;
		now++;
	}
	report(ok, "windows grow to a minute");
	report(probes && gate.outage.failed_probes == (int) lengthof(seconds),
		   "... and each failed probe is counted");
	now += 60 * US_PER_S;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_succeeded(&gate, now, now + 1);
	report(is_open(&gate, now + 1), "a success ends an outage");
	keyapi_gate_start(&gate, now + 2, 0, &patient);
	(void) fail(&gate, now + 2, now + 3, true, NULL);
	report(opens_at(&gate, now + 3 + 5 * US_PER_S), "... and the next one begins with a short window");

	now += 3 + 5 * US_PER_S + 3600 * US_PER_S;
	keyapi_gate_start(&gate, now, 0, &patient);
	(void) fail(&gate, now, now + 1, false, NULL);
	report(is_open(&gate, now + 1), "an outage that nobody looked into is forgotten");
}

static void
test_outage_probe(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	closed = gate_in_outage(now, NULL);
	KeyapiGate	gate = closed;
	const KeyapiPatience endless = KEYAPI_ENDLESS_PATIENCE;

	now += 5 * US_PER_S;
	keyapi_gate_start(&gate, now, 0, &patient);
	report(opens_at(&gate, now + 21 * US_PER_S), "nobody starts while a probe may still be answered");
	keyapi_outage_abandon(&gate.outage, now - 1);
	report(!is_open(&gate, now + 20 * US_PER_S), "... whatever else is given up");
	keyapi_outage_abandon(&gate.outage, now);
	report(opens_at(&gate, now + 5 * US_PER_S), "a probe that is given up leaves its window");

	gate = closed;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_bypassed(&gate, now);
	report(opens_at(&gate, now + 5 * US_PER_S), "... and so does one that a cache answers");

	gate = closed;
	keyapi_gate_start(&gate, now, 0, &endless);
	report(opens_at(&gate, now + 60 * US_PER_S), "nobody waits for a probe for more than a minute");

	gate = closed;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_passed(&gate, now);
	report(is_open(&gate, now + 1), "a refusal ends an outage, too");
	gate = closed;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_refused(&gate, now, now + 1);
	report(gate.outage.windows == 0, "... and so does an account without credits");
	gate = closed;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_limited(&gate, now, now + 1, 1000, 60000, 0.5);
	report(gate.outage.windows == 0, "... and a rate limit");
}

/*
 * Those who wait longer for an answer may get one.
 */
static void
test_outage_patience(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = gate_in_outage(now, &impatient);

	report(keyapi_gate_opens(&gate, now, 0, &impatient) > now,
		   "a timeout closes the gate for those who wait no longer");
	report(is_open(&gate, now), "... but not for the patient");
	keyapi_gate_start(&gate, now + 1, 0, &patient);
	report(!is_open(&gate, now + 2), "... of whom one goes first");
	(void) fail(&gate, now + 1, now + 3, false, &patient);
	report(opens_at(&gate, now + 3 + 10 * US_PER_S), "... and closes it for all");
}

int
main(void)
{
	test_outage_begins();
	test_outage_windows();
	test_outage_probe();
	test_outage_patience();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
