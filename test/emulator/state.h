/*-------------------------------------------------------------------------
 *
 * state.h
 *	  What the emulator remembers of each scenario: counters and log.
 *
 * One lock guards all of it.  Each function below, unless it says otherwise,
 * is to be called with the lock held.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_STATE_H
#define EMULATOR_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "query.h"
#include "scenario.h"

/* A client that goes away before its answer; nginx knows it by this, too. */
#define STATUS_CLIENT_GONE 499

/* Log rows kept for one scenario; later requests are only counted. */
#define MAX_LOG 100000

/* One connection of a client, from accept to close. */
typedef struct Peer
{
	unsigned	id;
	long		requests;		/* so far */
	struct Scenario *scenario;	/* of its latest request, or NULL */
} Peer;

/* One request in the log; the texts are raw. */
typedef struct LogRow
{
	int64_t		ms;				/* since 1970 */
	unsigned	connection;
	bool		fresh;			/* first request of its connection */
	char		resumed;		/* TLS session: '0', '1'; '-' without TLS */
	int			status;			/* 0: not answered yet */
	Query		query;
	char	   *raw_query;
	char	   *user_agent;
	char	   *key;
} LogRow;

typedef struct Counter
{
	char	   *name;
	long		value;
} Counter;

typedef struct Scenario
{
	char		name[NAME_SIZE];
	struct Scenario *next;
	long		epoch;			/* number of resets */

	long		requests;
	long		connections;	/* distinct ones, over time */
	long		open;			/* connections now */
	long		inflight;		/* requests that are not answered yet */
	long		peak;			/* the most that were in flight at a time */
	long		stalled;		/* those that wait for a release */
	long		granted;		/* requests that quota= let pass */

	int64_t		window;			/* rate limiter with windows: the second ... */
	long		in_window;		/* ... and what it let pass in it */
	double		tokens;			/* rate limiter: the bucket */
	int64_t		tokens_at;		/* us; 0: never used */
	int64_t		banned_until;	/* us */

	Counter    *counters;		/* open hash, a power of two */
	size_t		counters_size;
	size_t		counters_used;

	LogRow	   *log;
	long		log_len;
	long		log_cap;
} Scenario;

extern pthread_mutex_t state_lock;

/* Clocks; no lock needed. */
extern int64_t monotonic_us(void);
extern int64_t wall_ms(void);

/*
 * A request is in flight from now on.  With state_lock held.
 */
extern void scenario_in_flight(Scenario *scenario);

/* The scenario of that name, made if need be; lives for ever. */
extern Scenario *scenario_get(const char *name);

extern void scenario_reset(Scenario *scenario);

/* A named number that starts at 0; valid until the next call. */
extern long *scenario_counter(Scenario *scenario, const char *name);

/*
 * Count a request and log it; takes over row's texts.  Returns its number,
 * from 1.
 */
extern long scenario_request(Scenario *scenario, Peer *peer, LogRow row);

/* Note the status of request number since the reset numbered epoch. */
extern void scenario_answered(Scenario *scenario, long epoch, long number,
							  int status);

/* Forget a connection. */
extern void peer_closed(Peer *peer);

/* Append the log as COPY's text format. */
extern void scenario_print_log(const Scenario *scenario, Buf *out);

#endif							/* EMULATOR_STATE_H */
