/*-------------------------------------------------------------------------
 *
 * gate.c
 *	  When the next request with an API key may start.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/gate.h"

#include "portability/instr_time.h"

#define US_PER_S INT64CONST(1000000)

/* How long nothing is asked for after a 402. */
#define BROKE_FOR (60 * US_PER_S)

/* Longest first pause after a 429 without Retry-After, in ms. */
#define FIRST_PAUSE 1000

/* How long after a pause it has no bearing on the next one any more. */
#define FORGET_AFTER (60 * US_PER_S)

/* What is left of the rate after a 429. */
#define CUT 0.7

/* What the rate gains per second, as a part of what was left. */
#define RECOVERY 0.5

/* ... but at least this many requests per second. */
#define MIN_RECOVERY 2.0

/* The rate never falls below this many requests per second. */
#define MIN_RATE 0.1

/* How much is used of what the API was seen to bear ... */
#define USED 0.9

/* ... and for how long, before it is tried whether it bears more. */
#define PLATEAU_TIME (6 * US_PER_S)

/* Fewer successes in a second tell no rate. */
#define FEW 4

/*
 * How late a request may start without delaying those after it: the server's
 * timers count in milliseconds.
 */
#define TIMER_SLACK (2 * US_PER_MS)

/*
 * Most of a pause that is made up for afterwards: limiters that let bursts pass
 * let pass as many requests as they take in a second.
 */
#define MAX_LAG US_PER_S

/* How much faster than by schedule requests start to make up for a pause. */
#define CATCH_UP 2

/* The longest time between two starts, whatever the rate. */
#define MAX_INTERVAL (PG_INT32_MAX * US_PER_S)

/* How long the gate must be open for its successes to tell a rate. */
#define MEASURING_TIME (2 * US_PER_S)

/* How long others wait for the answer to the first request after a pause. */
#define PROBE_TIME US_PER_S

int64
keyapi_gate_clock(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MICROSEC(now);
}

/*
 * The rate that the API is believed to bear now, 0 if it never complained.
 */
static double
current_rate(const KeyapiGate *gate, int64 now)
{
	int64		elapsed = Max(now - gate->rate_at_us, 0);
	double		gain = gate->recovery / US_PER_S;

	if (gate->rate <= 0)
		return 0;
	return Max(Min(gate->rate + gain * elapsed, gate->plateau),
			   gate->rate + gain * (elapsed - gate->plateau_time_us));
}

/*
 * Time between two starts at a rate.
 */
static int64
interval_of(double rate)
{
	return (int64) Min(US_PER_S / rate, MAX_INTERVAL);
}

/*
 * Time between two starts, by what user and API allow; 0 if both allow any
 * number.
 */
static int64
start_interval(const KeyapiGate *gate, int64 now, double pace)
{
	double		rate = current_rate(gate, now);

	if (pace > 0 && (rate <= 0 || rate > pace))
		rate = pace;
	return rate > 0 ? interval_of(rate) : 0;
}

int64
keyapi_gate_opens(const KeyapiGate *gate, int64 now, double pace)
{
	int64		opens = Max(gate->closed_until_us, gate->broke_until_us);
	int64		interval = start_interval(gate, now, pace);

	if (gate->last_start_us == 0)
		return opens;

	/* after a pause one request tries for all whether it was long enough */
	if (gate->closings > 0 && gate->last_start_us >= gate->closed_until_us)
		opens = Max(opens, gate->last_start_us + PROBE_TIME);
	if (interval > 0)
		opens = Max(opens, Max(gate->next_start_us,
							   gate->last_start_us + interval / CATCH_UP));
	if (pace > 0)
		opens = Max(opens, gate->last_start_us + interval_of(pace) - TIMER_SLACK);
	return opens;
}

void
keyapi_gate_start(KeyapiGate *gate, int64 now, double pace)
{
	int64		interval = start_interval(gate, now, pace);

	if (gate->next_start_us >= now - TIMER_SLACK)
		gate->lag_us = 0;
	gate->next_start_us = interval +
		Max(gate->next_start_us, now - Max(gate->lag_us, TIMER_SLACK));
	gate->last_start_us = now;
}

/*
 * Forget the successes of seconds that are past.
 */
static void
roll_second(KeyapiGate *gate, int64 now)
{
	int64		second = now / US_PER_S;

	if (second == gate->second)
		return;
	gate->successes_before = second == gate->second + 1 ? gate->successes : 0;
	gate->successes = 0;
	gate->second = second;
}

/*
 * Successes in the last 1,000 ms: rate limits are counted in seconds, and
 * anything shorter would take a burst for a rate.
 */
static double
observed_rate(KeyapiGate *gate, int64 now)
{
	double		elapsed;

	roll_second(gate, now);
	elapsed = (now % US_PER_S) / (double) US_PER_S;
	return gate->successes + gate->successes_before * (1 - elapsed);
}

/*
 * The API bears hardly more than this rate: go on well below it, be nearly back
 * soon, and try for more later.
 */
static void
believe(KeyapiGate *gate, double rate)
{
	gate->rate = Max(rate * CUT, MIN_RATE);
	gate->recovery = Max(gate->rate * RECOVERY, MIN_RECOVERY);
	gate->plateau = Max(rate * USED, gate->rate);
	gate->plateau_time_us = gate->measuring && rate < FEW ? 0 : PLATEAU_TIME;
}

void
keyapi_gate_passed(KeyapiGate *gate, int64 sent)
{
	/* what was sent before the last complaint says that those before are over */
	gate->closings = Min(gate->closings, sent > gate->closed_at_us ? 0 : 1);
}

void
keyapi_gate_succeeded(KeyapiGate *gate, int64 sent, int64 now)
{
	double		observed;

	keyapi_gate_passed(gate, sent);
	roll_second(gate, now);
	gate->successes++;

	/* what was under way when the gate closed was not too much either */
	observed = observed_rate(gate, now);
	if (gate->measuring && sent <= gate->closed_at_us &&
		observed * USED > gate->plateau)
		believe(gate, observed);
}

/*
 * The API bears less than the rate of the moment.
 */
static void
slow_down(KeyapiGate *gate, int64 now)
{
	double		rate = current_rate(gate, now);
	double		observed = observed_rate(gate, now);

	gate->measuring = rate <= 0 ||
		(rate > observed && now - gate->closed_until_us >= MEASURING_TIME);
	if (gate->measuring)
		rate = observed;
	else if (rate > 2 * observed)
		rate /= 2;				/* it was that of a burst */
	believe(gate, rate);
}

void
keyapi_gate_limited(KeyapiGate *gate, int64 sent, int64 now,
					int64 retry_after_ms, int max_wait_ms, double random)
{
	int64		longest = max_wait_ms * US_PER_MS;
	int64		pause;

	if (sent <= gate->closed_at_us)
	{
		/* still the same complaint, but it may ask for a longer pause */
		if (retry_after_ms > 0)
			gate->closed_until_us = Max(gate->closed_until_us,
										now + retry_after_ms * US_PER_MS);
		return;
	}

	if (now - gate->closed_until_us > FORGET_AFTER)
	{
		gate->closings = 0;
		gate->too_short_us = 0;
	}

	/* if nothing succeeded in between, the pause was too short, not the rate */
	if (gate->closings == 0)
	{
		slow_down(gate, now);

		/* the pause before was long enough, perhaps too long */
		gate->too_short_us /= 2;
	}
	else
		gate->too_short_us = Max(gate->too_short_us,
								 Min(gate->closed_until_us - gate->closed_at_us, longest));
	pause = retry_after_ms > 0 ? retry_after_ms * US_PER_MS : gate->too_short_us;
	if (retry_after_ms <= 0 || gate->closings > 0)
		pause = Min(pause + keyapi_full_jitter(FIRST_PAUSE, gate->closings,
											   max_wait_ms, random),
					Max(longest, pause));
	gate->closings++;
	gate->closed_at_us = now;
	gate->closed_until_us = Max(gate->closed_until_us, now + pause);

	gate->next_start_us = now;
	gate->lag_us = (int64) (USED * Min(gate->closed_until_us - now, MAX_LAG));

	/* the rate recovers in a pause, but not for as long as that may last */
	gate->rate_at_us = gate->closed_until_us - gate->lag_us;
}

void
keyapi_gate_refused(KeyapiGate *gate, int64 now)
{
	gate->broke_until_us = now + BROKE_FOR;
}

int64
keyapi_full_jitter(int bound, int doublings, int max, double random)
{
	double		ms = bound;

	for (int i = 0; i < doublings && ms < max; i++)
		ms *= 2;
	return (int64) (Min(ms, max) * random * US_PER_MS);
}
