/*-------------------------------------------------------------------------
 *
 * gate.c
 *	  When the next request with an API key may start.
 *
 * Each constant names the scenarios of test/unit/gate_test.c ("unit/gate") that
 * fail, or take clearly more time or refusals, without it.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/gate.h"

#include "compat.h"

#define US_PER_S INT64CONST(1000000)

/* ---- pause ---- */

/*
 * How long nothing is asked for after a 402, in us.  Somebody has to buy
 * credits, which takes longer; a query once a minute notices soon enough.
 * Scenario: "after a 402 nothing starts for a minute".
 */
#define BROKE_FOR_US (60 * US_PER_S)

/*
 * The least time after which one request finds out whether the API meant the
 * pause that it asked for, in ms.  Users who wait for no pause at all should not
 * ask all the time either.
 * Scenario: "a long pause ... at least a second".
 */
#define MIN_ASKED_PAUSE_MS 1000

/*
 * Longest first pause after a 429 without Retry-After, in ms, if the requests of
 * the last second do not explain it.  Limits are usually counted in seconds; four
 * times as much wastes time.
 * Scenarios: "a limiter that bans ... and does not tell", "small windows".
 */
#define FIRST_PAUSE_MS 1000

/*
 * How long after a pause it has no bearing on the next one any more, in us: what
 * was too short yesterday says nothing about today.
 * Scenario: "what was refused long ago makes no pause longer".
 */
#define FORGET_AFTER_US (60 * US_PER_S)

/*
 * How long the others wait for the answer to the first request after a pause, in
 * us.  Most answers take less; a slow one should not hold all up.
 * Scenarios: "the first request goes alone, but holds nobody up for long", "...
 * and does not tell".
 */
#define PROBE_TIME_US US_PER_S

/* ---- rate ---- */

/*
 * With how much of what the API bore requests go on after a 429, so that they
 * stay clear of the limit, which may be lower by now.
 * Scenario: at 1.0 "two sessions on their own" takes too long.
 */
#define CUT 0.7

/*
 * What the rate gains per second, as a part of what was left ...
 * Scenarios: the buckets that answer at once, and "windows ... that do not tell".
 */
#define RECOVERY 0.5

/*
 * ... but at least this many requests per second, so that a rate that was
 * measured far too low does not stay low for minutes.
 * Scenarios: "a bucket without bursts", "a bucket after an outage".
 */
#define MIN_RECOVERY 2.0

/*
 * The API is believed to bear this many requests per second at least: it is
 * asked once in 15 s, whatever two quick refusals seemed to say.
 * Scenario: "refusals in quick succession do not stop all requests".
 */
#define MIN_RATE 0.1

/*
 * How much is used of what the API was seen to bear.  All of it would meet the
 * limit whenever the measure is a little too high.
 * Scenarios: all with a limiter.
 */
#define USED 0.9

/*
 * For how long the rate stays there before more is tried, in us.  Each trial
 * costs a refusal or two.
 * Scenarios: all with a limiter; "a bucket after an outage" would meet five times
 * as many refusals without.
 */
#define PLATEAU_TIME_US (6 * US_PER_S)

/*
 * Fewer successes in a second tell no rate, so more is tried at once.
 * Scenario: "a bucket without bursts".
 */
#define FEW 4

/* ---- schedule ---- */

/*
 * How late a request may start without delaying those after it, in us: the
 * server's timers count in milliseconds.
 * Scenario: "a pace of 200 requests a second".
 */
#define TIMER_SLACK_US (2 * US_PER_MS)

/*
 * Most of a pause that is made up for afterwards, in us: limiters that let bursts
 * pass let pass as many requests as they take in a second.
 * Scenarios: without it "a bucket that tells when to come back" takes too long,
 * and with no bound "a bucket after an outage" meets twice as many refusals.
 */
#define MAX_LAG_US US_PER_S

/*
 * How much faster than by schedule requests start to make up for a pause.
 * Scenarios: at 1 "a bucket that tells when to come back" takes too long; with no
 * bound "a bucket without bursts" refuses many times as many.
 */
#define CATCH_UP 2

/*
 * The length of a slot of the history, in us.  Slots twice as long waste time.
 * Scenarios: "a bucket that tells when to come back", "windows ... at once".
 */
#define SLOT_US (US_PER_S / (KEYAPI_GATE_SLOTS - 1))

/*
 * The longest time between two starts, in us, whatever the rate: times must not
 * overflow.
 * Scenario: "... the second must", with a pace of 1e-15.
 */
#define MAX_INTERVAL_US (PG_INT32_MAX * US_PER_S)

int64
keyapi_gate_clock(void)
{
	return keyapi_clock_us();
}

/* ---------------------------------------------------------------------
 * Rate
 * ---------------------------------------------------------------------
 */

/*
 * The requests per second that the API is believed to bear now, 0 if it never
 * complained: well below what it bore, nearly back soon, and more later.
 */
static double
current_rate(const KeyapiGateRate *rate, int64 now_us)
{
	int64		elapsed_us = Max(now_us - rate->cut_at_us, 0);
	int64		plateau_us = rate->uncertain ? 0 : PLATEAU_TIME_US;
	double		cut = rate->borne * CUT;
	double		gain_per_us = Max(cut * RECOVERY, MIN_RECOVERY) / US_PER_S;

	if (rate->borne <= 0)
		return 0;
	return Max(Min(cut + gain_per_us * elapsed_us, rate->borne * USED),
			   cut + gain_per_us * (elapsed_us - plateau_us));
}

double
keyapi_gate_rate(const KeyapiGate *gate, int64 now_us)
{
	return current_rate(&gate->rate, now_us);
}

/*
 * Forget the successes of seconds that are past.
 */
static void
roll_second(KeyapiGateRate *rate, int64 now_us)
{
	int64		second = now_us / US_PER_S;

	if (second == rate->second)
		return;
	rate->successes_before = second == rate->second + 1 ? rate->successes : 0;
	rate->successes = 0;
	rate->second = second;
}

/*
 * Successes in the last second: rate limits are counted in seconds, and anything
 * shorter would take a burst for a rate.
 */
static double
observed_rate(KeyapiGateRate *rate, int64 now_us)
{
	double		elapsed;

	roll_second(rate, now_us);
	elapsed = (now_us % US_PER_S) / (double) US_PER_S;
	return rate->successes + rate->successes_before * (1 - elapsed);
}

/*
 * The API bears hardly more than this.
 */
static void
believe(KeyapiGateRate *rate, double borne)
{
	rate->borne = Max(borne, MIN_RATE);
	rate->uncertain = rate->measuring && borne < FEW;
}

/*
 * The API bears less than the rate of the moment.
 */
static void
slow_down(KeyapiGate *gate, int64 now_us)
{
	double		current = current_rate(&gate->rate, now_us);
	double		observed = observed_rate(&gate->rate, now_us);
	int64		open_us = now_us - gate->pause.closed_until_us;

	/* what was observed counts if there was a full second of it */
	gate->rate.measuring = current <= 0 ||
		(current > observed && open_us >= US_PER_S);
	if (gate->rate.measuring)
		current = observed;
	else if (current > 2 * observed)
		current /= 2;			/* it was that of a burst */
	believe(&gate->rate, current);
	gate->rate.cut_at_us = now_us;
}

/* ---------------------------------------------------------------------
 * History
 * ---------------------------------------------------------------------
 */

/*
 * Where the number of starts in a slot is kept.
 */
static int
slot_index(int64 slot)
{
	return (slot + KEYAPI_GATE_SLOTS) % KEYAPI_GATE_SLOTS;
}

static void
record_start(KeyapiGateHistory *history, int64 now_us)
{
	int64		slot = now_us / SLOT_US;
	int64		first_new = Max(history->slot, slot - KEYAPI_GATE_SLOTS) + 1;

	for (int64 new = first_new; new <= slot; new++)
		history->starts[slot_index(new)] = 0;
	history->slot = slot;
	history->starts[slot_index(slot)]++;
}

/*
 * When one more request is not more than the API bore in a second; a time in the
 * past means at once.  To make up for a pause with more than that is fine with a
 * limiter whose allowance goes on growing meanwhile, but one that counts the
 * requests of each second refuses them.  Spread evenly, requests may be more: how
 * else would one know that the limit has risen?
 */
static int64
room_after(const KeyapiGate *gate, int64 now_us)
{
	const KeyapiGateHistory *history = &gate->history;
	int			starts = 1;

	if (gate->rate.borne <= 0 || gate->rate.uncertain ||
		current_rate(&gate->rate, now_us) >= gate->rate.borne)
		return 0;
	for (int64 slot = history->slot; slot > history->slot - KEYAPI_GATE_SLOTS; slot--)
	{
		starts += history->starts[slot_index(slot)];
		if (starts > gate->rate.borne)
			return (slot + KEYAPI_GATE_SLOTS) * SLOT_US;
	}
	return 0;
}

/* ---------------------------------------------------------------------
 * Schedule
 * ---------------------------------------------------------------------
 */

/*
 * Time between two starts at a rate.
 */
static int64
interval_of(double rate)
{
	return (int64) Min(US_PER_S / rate, MAX_INTERVAL_US);
}

/*
 * Time between two starts, by what user and API allow; 0 if both allow any
 * number.
 */
static int64
start_interval(const KeyapiGate *gate, int64 now_us, double pace)
{
	double		rate = current_rate(&gate->rate, now_us);

	if (pace > 0 && (rate <= 0 || rate > pace))
		rate = pace;
	return rate > 0 ? interval_of(rate) : 0;
}

int64
keyapi_gate_opens(const KeyapiGate *gate, int64 now_us, double pace,
				  const KeyapiPatience *patience)
{
	const KeyapiGatePause *pause = &gate->pause;
	const KeyapiGateSchedule *schedule = &gate->schedule;
	int64		opens_us = Max(pause->closed_until_us, pause->broke_until_us);
	int64		interval_us = start_interval(gate, now_us, pace);

	if (keyapi_outage_concerns(&gate->outage, patience))
		opens_us = Max(opens_us, gate->outage.closed_until_us);
	if (schedule->last_us == 0)
		return opens_us;

	/* after a pause one request tries for all whether it was long enough */
	if (pause->closings > 0 && schedule->last_us >= pause->closed_until_us)
		opens_us = Max(opens_us, schedule->last_us + PROBE_TIME_US);
	if (interval_us > 0)
		opens_us = Max(opens_us,
					   Max(schedule->next_us,
						   schedule->last_us + interval_us / CATCH_UP));

	opens_us = Max(opens_us, room_after(gate, now_us));

	/* what the user allows is not exceeded to catch up either */
	if (pace > 0)
		opens_us = Max(opens_us,
					   schedule->last_us + interval_of(pace) - TIMER_SLACK_US);
	return opens_us;
}

void
keyapi_gate_start(KeyapiGate *gate, int64 now_us, double pace,
				  const KeyapiPatience *patience)
{
	KeyapiGateSchedule *schedule = &gate->schedule;
	int64		interval_us = start_interval(gate, now_us, pace);

	/* once the schedule has been caught up with, there is nothing to make up */
	if (schedule->next_us >= now_us - TIMER_SLACK_US)
		schedule->lag_us = 0;
	schedule->next_us = interval_us +
		Max(schedule->next_us, now_us - Max(schedule->lag_us, TIMER_SLACK_US));
	schedule->last_us = now_us;
	record_start(&gate->history, now_us);
	keyapi_outage_start(&gate->outage, now_us, patience);
}

/*
 * Begin a new schedule with the pause that begins now.
 */
static void
reschedule(KeyapiGate *gate, int64 now_us)
{
	int64		pause_us = gate->pause.closed_until_us - now_us;

	gate->schedule.next_us = now_us;
	gate->schedule.lag_us = (int64) (USED * Min(pause_us, MAX_LAG_US));

	/* the rate recovers in a pause, but not for as long as that may last */
	gate->rate.cut_at_us = gate->pause.closed_until_us - gate->schedule.lag_us;
}

/* ---------------------------------------------------------------------
 * Answers
 * ---------------------------------------------------------------------
 */

/*
 * A request that started at sent_us met no limit.
 */
static void
end_complaint(KeyapiGatePause *pause, int64 sent_us)
{
	/* what was sent before the last complaint says that those before are over */
	pause->closings = Min(pause->closings,
						  sent_us > pause->closed_at_us ? 0 : 1);
}

void
keyapi_gate_passed(KeyapiGate *gate, int64 sent_us)
{
	end_complaint(&gate->pause, sent_us);
	keyapi_outage_answered(&gate->outage, sent_us);
}

void
keyapi_gate_bypassed(KeyapiGate *gate, int64 sent_us)
{
	end_complaint(&gate->pause, sent_us);
	keyapi_outage_abandon(&gate->outage, sent_us);
}

bool
keyapi_gate_failed(KeyapiGate *gate, const KeyapiOutageFailure *failure, int64 now_us)
{
	if (failure->status != 0)
		end_complaint(&gate->pause, failure->sent_us);
	return keyapi_outage_failed(&gate->outage, failure, now_us);
}

void
keyapi_gate_succeeded(KeyapiGate *gate, int64 sent_us, int64 now_us)
{
	double		observed;

	keyapi_gate_passed(gate, sent_us);
	roll_second(&gate->rate, now_us);
	gate->rate.successes++;

	/* what was under way when the gate closed was not too much either */
	observed = observed_rate(&gate->rate, now_us);
	if (gate->rate.measuring && sent_us <= gate->pause.closed_at_us &&
		observed > gate->rate.borne)
		believe(&gate->rate, observed);
}

/*
 * How long to pause after a 429, by what it says, by the requests before it and by
 * the refusals before it.
 */
static int64
pause_of(const KeyapiGate *gate, int64 now_us, int64 retry_after_ms,
		 int max_wait_ms, double random)
{
	const KeyapiGatePause *pause = &gate->pause;
	int64		max_wait_us = max_wait_ms * US_PER_MS;
	int64		room_us = room_after(gate, now_us) - now_us;
	int64		pause_us = retry_after_ms > 0 ? retry_after_ms * US_PER_MS :
	pause->too_short_us;

	if (pause->closings == 0 && retry_after_ms > 0)
		return pause_us;
	if (pause->closings == 0 && room_us > pause_us)
		return Min(room_us, max_wait_us);
	return Min(pause_us + keyapi_full_jitter(FIRST_PAUSE_MS, pause->closings,
											 max_wait_ms, random),
			   Max(max_wait_us, pause_us));
}

/*
 * Keep the gate closed until then, unless it is for longer; but not for longer
 * than the user waits.
 */
static void
close_until(KeyapiGatePause *pause, int64 until_us, int64 now_us, int max_wait_ms)
{
	int64		latest_us = now_us +
	Max(max_wait_ms, MIN_ASKED_PAUSE_MS) * US_PER_MS;

	pause->asked_until_us = Max(pause->asked_until_us, until_us);
	pause->closed_until_us = Max(pause->closed_until_us,
								 Min(until_us, latest_us));
}

void
keyapi_gate_limited(KeyapiGate *gate, int64 sent_us, int64 now_us,
					int64 retry_after_ms, int max_wait_ms, double random)
{
	KeyapiGatePause *pause = &gate->pause;

	keyapi_outage_answered(&gate->outage, sent_us);
	if (sent_us <= pause->closed_at_us)
	{
		/* still the same complaint, but it may ask for a longer pause */
		if (retry_after_ms > 0)
			close_until(pause, now_us + retry_after_ms * US_PER_MS, now_us,
						max_wait_ms);
		return;
	}

	if (now_us - pause->closed_until_us > FORGET_AFTER_US)
	{
		pause->closings = 0;
		pause->too_short_us = 0;
	}

	/* if nothing succeeded in between, the pause was too short, not the rate */
	if (pause->closings == 0)
	{
		slow_down(gate, now_us);

		/* the pause before was long enough, perhaps too long */
		pause->too_short_us /= 2;
	}
	else
		pause->too_short_us = Max(pause->too_short_us,
								  Min(pause->closed_until_us - pause->closed_at_us,
									  max_wait_ms * US_PER_MS));
	pause->asked_until_us = 0;
	close_until(pause,
				now_us + pause_of(gate, now_us, retry_after_ms, max_wait_ms, random),
				now_us, max_wait_ms);
	pause->closed_at_us = now_us;
	pause->closings++;
	reschedule(gate, now_us);
}

void
keyapi_gate_refused(KeyapiGate *gate, int64 sent_us, int64 now_us)
{
	keyapi_outage_answered(&gate->outage, sent_us);
	gate->pause.broke_until_us = now_us + BROKE_FOR_US;
}

void
keyapi_gate_resume(KeyapiGate *gate, int64 now_us)
{
	KeyapiGatePause *pause = &gate->pause;

	/* what is under way may still be refused, which is no new complaint */
	*pause = (KeyapiGatePause)
	{
		.closed_at_us = pause->closed_at_us,
	};
	gate->rate.cut_at_us = Min(gate->rate.cut_at_us, now_us);
	gate->schedule = (KeyapiGateSchedule)
	{
		0
	};
	keyapi_outage_forget(&gate->outage, now_us);
}

/* ---------------------------------------------------------------------
 * For users
 * ---------------------------------------------------------------------
 */

KeyapiPause
keyapi_gate_paused(const KeyapiGate *gate, int64 now_us, int64 *until_us)
{
	const int64 ends_us[KEYAPI_NUM_PAUSES] = {
		[KEYAPI_PAUSE_NONE] = now_us,
		[KEYAPI_PAUSE_RATE_LIMIT] = gate->pause.closed_until_us,
		[KEYAPI_PAUSE_NO_CREDITS] = gate->pause.broke_until_us,
		[KEYAPI_PAUSE_OUTAGE] = gate->outage.closed_until_us,
	};
	KeyapiPause last = KEYAPI_PAUSE_NONE;

	for (KeyapiPause pause = 0; pause < KEYAPI_NUM_PAUSES; pause++)
	{
		if (ends_us[pause] > ends_us[last])
			last = pause;
	}
	if (last != KEYAPI_PAUSE_NONE)
		*until_us = ends_us[last];
	return last;
}

const char *
keyapi_pause_name(KeyapiPause pause)
{
	static const char *const names[KEYAPI_NUM_PAUSES] = {
		[KEYAPI_PAUSE_RATE_LIMIT] = "rate limit",
		[KEYAPI_PAUSE_NO_CREDITS] = "no credits",
		[KEYAPI_PAUSE_OUTAGE] = "outage",
	};

	return names[pause];
}

int64
keyapi_full_jitter(int bound_ms, int doublings, int max_ms, double random)
{
	double		ms = bound_ms;

	for (int i = 0; i < doublings && ms < max_ms; i++)
		ms *= 2;
	return (int64) (Min(ms, max_ms) * random * US_PER_MS);
}
