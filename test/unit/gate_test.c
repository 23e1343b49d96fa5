/*-------------------------------------------------------------------------
 *
 * gate_test.c
 *	  The gate against rate limiters of several kinds, in simulated time: how
 *	  long many pages take, and how many requests are refused.  Prints TAP.
 *
 * Sessions fetch pages of one key, each over so many connections.  What chance
 * decides comes from a generator with a fixed seed, so that each run of this
 * program does the same.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S INT64CONST(1000000)

#define MAX_SESSIONS 2
#define CONNECTIONS 8
#define RUNS 200
#define MAX_WAIT 30000			/* the longest pause, in ms */
#define TOO_LONG (600 * US_PER_S)
#define LOOK_AGAIN (100 * US_PER_MS)	/* waiting sessions look whether
										 * another one has opened the gate */

/* A token bucket, and what it does when it is empty; or windows. */
typedef struct Limiter
{
	double		per_second;
	double		burst;			/* 0: so many in each second of a clock */
	bool		tells_when;		/* Retry-After, in seconds, rounded up */
	int64		ban;			/* us; each request during a ban begins it
								 * anew */
	int64		outage;			/* us at first in which all are refused */
} Limiter;

typedef struct Case
{
	const char *name;
	Limiter		limiter;
	int			latency;		/* ms */
	int			pages;			/* that each session needs */
	int			sessions;
	bool		shared;			/* one gate for all sessions */

	/* 9 of 10 runs must not take or waste more */
	double		seconds;
	int			refused;

	double		pace;			/* requests per second that the user allows;
								 * 0: any number */
} Case;

typedef struct Bucket
{
	double		tokens;
	int64		filled_at;
	int64		banned_until;
	int64		windows_from;	/* when some window begins */
} Bucket;

typedef enum RequestState
{
	IDLE,						/* the connection has none */
	ON_THE_WAY,					/* reaches the limiter at `next` */
	ANSWERED,					/* the answer arrives at `next` */
} RequestState;

typedef struct Request
{
	RequestState state;
	int64		next;
	int64		sent;
	int64		retry_after_ms; /* ms, or -1 */
	bool		refused;
} Request;

typedef struct Session
{
	KeyapiGate *gate;
	Request		requests[CONNECTIONS];
	int			waiting;		/* pages */
	int			in_flight;
	int			received;
} Session;

typedef struct Run
{
	const Case *c;
	int64		now;
	Bucket		bucket;
	KeyapiGate	gates[MAX_SESSIONS];
	Session		sessions[MAX_SESSIONS];
	int			refused;
} Run;

static const Case cases[] = {
	{"a bucket that tells when to come back", {20, 20, true, 0, 0}, 0, 100, 1, false, 4.8, 10, 0},
	{"... 50 ms away", {20, 20, true, 0, 0}, 50, 100, 1, false, 4.8, 10, 0},
	{"a bucket that does not tell", {20, 20, false, 0, 0}, 0, 100, 1, false, 4.8, 10, 0},
	{"... 50 ms away", {20, 20, false, 0, 0}, 50, 100, 1, false, 4.8, 10, 0},
	{"a limiter that bans for a second", {20, 20, true, US_PER_S, 0}, 0, 100, 1, false, 4.8, 10, 0},
	{"... 50 ms away", {20, 20, true, US_PER_S, 0}, 50, 100, 1, false, 4.8, 10, 0},
	{"... and does not tell", {20, 20, false, US_PER_S, 0}, 50, 100, 1, false, 10, 13, 0},
	{"a slow bucket", {5, 5, true, 0, 0}, 50, 100, 1, false, 22, 12, 0},
	{"a bucket without bursts", {20, 1, true, 0, 0}, 50, 100, 1, false, 11, 8, 0},
	{"a slow bucket that has been filling up", {1, 60, true, 0, 0}, 50, 100, 1, false, 50, 40, 0},
	{"a bucket after an outage", {20, 20, false, 0, 30 * US_PER_S}, 50, 1000, 1, false, 140, 28, 0},
	{"two sessions with a common gate", {20, 20, true, 0, 0}, 50, 100, 2, true, 10, 20, 0},
	{"... and a bucket that does not tell", {20, 20, false, 0, 0}, 50, 100, 2, true, 10.5, 20, 0},
	{"... and a limiter that bans", {20, 20, true, US_PER_S, 0}, 50, 100, 2, true, 10, 20, 0},
	{"two sessions on their own", {20, 20, true, 0, 0}, 50, 100, 2, false, 11.5, 20, 0},
	{"... and a bucket that does not tell", {20, 20, false, 0, 0}, 50, 100, 2, false, 13.5, 20, 0},
	{"... and a limiter that bans", {20, 20, true, US_PER_S, 0}, 50, 100, 2, false, 14, 20, 0},
	{"windows of a second", {20, 0, true, 0, 0}, 50, 100, 1, false, 5.85, 12, 0},
	{"... that do not tell", {20, 0, false, 0, 0}, 50, 100, 1, false, 5.85, 12, 0},
	{"... at once", {20, 0, false, 0, 0}, 0, 100, 1, false, 5.0, 8, 0},
	{"small windows", {5, 0, false, 0, 0}, 50, 25, 1, false, 5.85, 8, 0},
	{"large windows", {100, 0, false, 0, 0}, 50, 500, 1, false, 7.5, 27, 0},
	{"many windows", {20, 0, false, 0, 0}, 50, 1000, 1, false, 60, 40, 0},
	{"windows for two sessions with a common gate", {20, 0, false, 0, 0}, 50, 50, 2, true, 5.85, 18, 0},
	{"a pace of 200 requests a second", {1000, 1000, true, 0, 0}, 0, 400, 1, false, 2.1, 0, 200},
};

static const KeyapiPatience patient = {10000, 20000, 5, 60000};

static int	ntests = 0;
static int	nfailed = 0;

/* A time below the bound, in us */
static int64
some_time(int64 bound)
{
	return (int64) (drand48() * bound);
}

/*
 * Ask a limiter that counts the requests in each second.
 */
static int64
limit_window(Bucket *bucket, const Limiter *limiter, int64 now)
{
	int64		left = US_PER_S - (now - bucket->windows_from) % US_PER_S;

	if (now + left != bucket->filled_at)
	{
		bucket->filled_at = now + left;
		bucket->tokens = limiter->per_second;
	}
	if (bucket->tokens < 1)
		return left;
	bucket->tokens -= 1;
	return 0;
}

/*
 * Ask the limiter.  Returns 0, or the us after which it pays to come back.
 */
static int64
limit(Bucket *bucket, const Limiter *limiter, int64 now)
{
	double		filled = limiter->per_second * (now - bucket->filled_at) / US_PER_S;

	if (limiter->burst == 0)
		return limit_window(bucket, limiter, now);
	bucket->tokens = Min(bucket->tokens + filled, limiter->burst);
	bucket->filled_at = now;
	if (now >= bucket->banned_until && bucket->tokens >= 1)
	{
		bucket->tokens -= 1;
		return 0;
	}
	if (limiter->ban == 0)
		return 1 + (int64) (Max(1 - bucket->tokens, 0) / limiter->per_second * US_PER_S);
	bucket->banned_until = now + limiter->ban;
	return limiter->ban;
}

static void
reach_limiter(Run *run, Request *request)
{
	const Limiter *limiter = &run->c->limiter;
	int64		wait = limit(&run->bucket, limiter, run->now);

	request->refused = wait > 0;
	request->retry_after_ms = limiter->tells_when ?
		(wait + US_PER_S - 1) / US_PER_S * 1000 : -1;
	request->state = ANSWERED;
	request->next = run->now + run->c->latency * US_PER_MS + 200 + some_time(600);
}

static void
receive(Run *run, Session *session, Request *request)
{
	if (request->refused)
	{
		keyapi_gate_limited(session->gate, request->sent, run->now,
							request->retry_after_ms, MAX_WAIT, drand48());
		run->refused++;
		session->waiting++;
	}
	else
	{
		keyapi_gate_succeeded(session->gate, request->sent, run->now);
		session->received++;
	}
	request->state = IDLE;
	session->in_flight--;
}

/*
 * Send what may be sent now.  Returns when to look again.
 */
static int64
start_requests(Run *run, Session *session)
{
	/* the first page goes alone */
	int			window = session->received > 0 ? CONNECTIONS : 1;

	for (Request *request = session->requests;
		 session->waiting > 0 && session->in_flight < window;
		 request++)
	{
		int64		opens;

		if (request->state != IDLE)
			continue;
		opens = keyapi_gate_opens(session->gate, run->now, run->c->pace, &patient);
		if (opens > run->now)
		{
			/* timers count in ms */
			opens += US_PER_MS - 1 - (opens - run->now - 1) % US_PER_MS;
			return Min(opens + some_time(300), run->now + LOOK_AGAIN);
		}
		keyapi_gate_start(session->gate, run->now, run->c->pace, &patient);
		request->state = ON_THE_WAY;
		request->sent = run->now;
		request->next = run->now + 100 + some_time(300);
		session->waiting--;
		session->in_flight++;
	}
	return PG_INT64_MAX;
}

/*
 * Do what is due for a session.  Returns when there is something to do again.
 */
static int64
step(Run *run, Session *session)
{
	int64		next;

	for (int i = 0; i < CONNECTIONS; i++)
	{
		Request    *request = &session->requests[i];

		if (request->state == ON_THE_WAY && request->next <= run->now)
			reach_limiter(run, request);
		else if (request->state == ANSWERED && request->next <= run->now)
			receive(run, session, request);
	}
	next = start_requests(run, session);
	for (int i = 0; i < CONNECTIONS; i++)
	{
		if (session->requests[i].state != IDLE)
			next = Min(next, session->requests[i].next);
	}
	return next;
}

static bool
is_done(const Run *run)
{
	for (int i = 0; i < run->c->sessions; i++)
	{
		if (run->sessions[i].received < run->c->pages)
			return false;
	}
	return true;
}

/*
 * Fetch all pages.  Returns how long that took, in s, and how many requests
 * were refused.
 */
static double
fetch_all(const Case *c, int *refused)
{
	int64		began = 1000 * US_PER_S + some_time(US_PER_S);
	Run			run = {
		.c = c,
		.now = began,
		.bucket = {
			.tokens = c->limiter.burst,
			.filled_at = began,
			.banned_until = began + c->limiter.outage,
			.windows_from = some_time(US_PER_S),
		},
	};

	for (int i = 0; i < c->sessions; i++)
	{
		run.sessions[i].gate = &run.gates[c->shared ? 0 : i];
		run.sessions[i].waiting = c->pages;
	}
	while (!is_done(&run) && run.now - began < TOO_LONG)
	{
		int64		next = PG_INT64_MAX;

		for (int i = 0; i < c->sessions; i++)
			next = Min(next, step(&run, &run.sessions[i]));
		if (!is_done(&run))
			run.now = Max(next, run.now + 1);
	}
	*refused = run.refused;
	return (run.now - began) / (double) US_PER_S;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
report(bool ok, const char *name)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++ntests, name);
	nfailed += !ok;
}

static void
test_limiter(const Case *c)
{
	double		seconds[RUNS];
	double		refused[RUNS];

	srand48(1);
	for (int i = 0; i < RUNS; i++)
	{
		int			count;

		seconds[i] = fetch_all(c, &count);
		refused[i] = count;
	}
	qsort(seconds, RUNS, sizeof(double), compare_doubles);
	qsort(refused, RUNS, sizeof(double), compare_doubles);
	report(seconds[RUNS * 9 / 10] <= c->seconds &&
		   refused[RUNS * 9 / 10] <= c->refused, c->name);
	printf("# s: median %.2f, 9 of 10 below %.2f (at most %.1f), longest %.2f; "
		   "refused: median %.0f, 9 of 10 below %.0f (at most %d), most %.0f\n",
		   seconds[RUNS / 2], seconds[RUNS * 9 / 10], c->seconds, seconds[RUNS - 1],
		   refused[RUNS / 2], refused[RUNS * 9 / 10], c->refused, refused[RUNS - 1]);
}

/*
 * A gate that a 429 has just closed, with one more request under way.
 */
static KeyapiGate
closed_gate(int64 now, int64 retry_after_ms)
{
	KeyapiGate	gate = {0};

	keyapi_gate_start(&gate, now - 2, 0, &patient);
	keyapi_gate_start(&gate, now - 1, 0, &patient);
	keyapi_gate_limited(&gate, now - 2, now, retry_after_ms, MAX_WAIT, 0.5);
	return gate;
}

static bool
is_open(const KeyapiGate *gate, int64 now)
{
	return keyapi_gate_opens(gate, now, 0, &patient) <= now;
}

static void
test_probe(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = closed_gate(now, 3000);
	KeyapiGate	passed;

	report(!is_open(&gate, now + 3 * US_PER_S - 1) && is_open(&gate, now + 3 * US_PER_S),
		   "a gate opens when the API says");
	keyapi_gate_limited(&gate, now - 1, now, 5000, MAX_WAIT, 0.5);
	now += 5 * US_PER_S;
	report(!is_open(&gate, now - 1) && is_open(&gate, now), "... or later, if it says that too");
	keyapi_gate_start(&gate, now, 0, &patient);
	passed = gate;
	now += US_PER_S;
	report(!is_open(&gate, now - 1) && is_open(&gate, now),
		   "the first request goes alone, but holds nobody up for long");
	keyapi_gate_passed(&passed, now - US_PER_S);
	report(is_open(&passed, now - 1), "... and not if it fails for another reason");
	keyapi_gate_succeeded(&gate, now - US_PER_S, now - 1);
	report(is_open(&gate, now - 1), "... and not if it does not fail");
}

/*
 * Two probes that are under way together: the second because the first takes its
 * time.
 */
static void
test_two_probes(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = closed_gate(now, 1000);
	int64		first = now + US_PER_S;
	int64		second = first + US_PER_S;

	keyapi_gate_start(&gate, first, 0, &patient);
	keyapi_gate_start(&gate, second, 0, &patient);
	keyapi_gate_limited(&gate, second, second + 1, 1000, MAX_WAIT, 0.5);
	report(gate.pause.closings == 2, "one refusal after another is counted");
	keyapi_gate_succeeded(&gate, first, second + 2);
	report(gate.pause.closings == 1, "... until one sent between them turns out to succeed");
}

/*
 * Nothing is known of the rate, so that requests follow each other slowly.
 */
static void
test_schedule(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = closed_gate(now, 1);

	now += US_PER_MS;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_limited(&gate, now, now + 1, 1, MAX_WAIT, 0.5);
	report(is_open(&gate, now + 2 * US_PER_S),
		   "a probe that fails does not hold up the next one by its schedule");
}

/*
 * A pause that was too short, and one long after it, whose length nobody tells.
 */
static void
test_forgotten(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = closed_gate(now, 8000);

	for (int i = 0; i < 3; i++)
	{
		now += 8 * US_PER_S;
		keyapi_gate_start(&gate, now, 0, &patient);
		keyapi_gate_limited(&gate, now, now + 1, 8000, MAX_WAIT, 0.5);
	}
	now += 3600 * US_PER_S;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_limited(&gate, now, now + 1, -1, MAX_WAIT, 0.5);
	report(is_open(&gate, now + US_PER_S),
		   "what was refused long ago makes no pause longer");
}

/*
 * Hardly anything succeeds between two refusals, so that hardly anything seems
 * to be borne.
 */
static void
test_quick_refusals(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = closed_gate(now, 1);

	now += US_PER_MS;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_succeeded(&gate, now, now + 1);
	keyapi_gate_start(&gate, now + 2, 0, &patient);
	keyapi_gate_limited(&gate, now + 2, now + 3, 1, MAX_WAIT, 0.5);
	now += 3 * US_PER_MS;
	keyapi_gate_start(&gate, now, 0, &patient);
	keyapi_gate_succeeded(&gate, now, now + 1);
	report(is_open(&gate, now + 15 * US_PER_S),
		   "refusals in quick succession do not stop all requests");
}

/*
 * The API asks for a pause that nobody will wait for.
 */
static void
test_long_pause(void)
{
	int64		now = 1000 * US_PER_S;
	int64		day = 24 * 3600 * US_PER_S;
	KeyapiGate	gate = closed_gate(now, day / US_PER_MS);

	report(!is_open(&gate, now + MAX_WAIT * US_PER_MS - 1) &&
		   is_open(&gate, now + MAX_WAIT * US_PER_MS),
		   "a long pause ends when the user's patience does");
	report(gate.pause.asked_until_us == now + day, "... though the API asked for more");
	now += MAX_WAIT * US_PER_MS;
	keyapi_gate_start(&gate, now, 0, &patient);
	report(!is_open(&gate, now + 1), "... for one request only");
	keyapi_gate_limited(&gate, now, now + 1, 1000, 0, 0.5);
	report(!is_open(&gate, now + US_PER_S) && is_open(&gate, now + US_PER_S + 1),
		   "... after at least a second, however impatient the user is");

	gate = closed_gate(now, day / US_PER_MS);
	keyapi_gate_refused(&gate, now, now);
	keyapi_gate_resume(&gate, now);
	report(is_open(&gate, now), "a pause can be ended");
	keyapi_gate_start(&gate, now + 1, 0, &patient);
	keyapi_gate_limited(&gate, now - 1, now + 2, day / US_PER_MS, MAX_WAIT, 0.5);
	report(gate.pause.closings == 0, "... and what was under way then is no new refusal");
}

static void
test_no_credits(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = {0};

	keyapi_gate_refused(&gate, now, now);
	report(!is_open(&gate, now + 60 * US_PER_S - 1) && is_open(&gate, now + 60 * US_PER_S),
		   "after a 402 nothing starts for a minute");
}

static void
test_pace(void)
{
	int64		now = 1000 * US_PER_S;
	KeyapiGate	gate = {0};

	report(keyapi_gate_opens(&gate, now, 1e-15, &patient) <= now,
		   "the first request need not wait, however slow the pace");
	keyapi_gate_start(&gate, now, 1e-15, &patient);
	report(keyapi_gate_opens(&gate, now, 1e-15, &patient) > now + TOO_LONG,
		   "... the second must");
}

int
main(void)
{
	for (int i = 0; i < (int) lengthof(cases); i++)
		test_limiter(&cases[i]);
	test_probe();
	test_two_probes();
	test_schedule();
	test_forgotten();
	test_quick_refusals();
	test_long_pause();
	test_no_credits();
	test_pace();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
