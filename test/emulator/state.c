/*-------------------------------------------------------------------------
 *
 * state.c
 *	  What the emulator remembers of each scenario: counters and log.
 *
 *-------------------------------------------------------------------------
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS 1024

pthread_mutex_t state_lock = PTHREAD_MUTEX_INITIALIZER;

static Scenario *scenarios[BUCKETS];

static int64_t
clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

Scenario *
scenario_get(const char *name)
{
	Scenario  **bucket = &scenarios[hash_text(HASH_SEED, name) % BUCKETS];
	Scenario   *scenario;

	for (scenario = *bucket; scenario != NULL; scenario = scenario->next)
		if (strcmp(scenario->name, name) == 0)
			return scenario;

	scenario = xcalloc(sizeof(Scenario));
	strcpy(scenario->name, name);
	scenario->next = *bucket;
	*bucket = scenario;
	return scenario;
}

void
scenario_in_flight(Scenario *scenario)
{
	if (++scenario->inflight > scenario->peak)
		scenario->peak = scenario->inflight;
}

/*
 * What describes the present (open connections, requests in flight) stays.
 */
void
scenario_reset(Scenario *scenario)
{
	for (long i = 0; i < scenario->log_len; i++)
	{
		free(scenario->log[i].raw_query);
		free(scenario->log[i].user_agent);
		free(scenario->log[i].key);
	}
	free(scenario->log);
	scenario->log = NULL;
	scenario->log_len = scenario->log_cap = 0;

	for (size_t i = 0; i < scenario->counters_size; i++)
		free(scenario->counters[i].name);
	free(scenario->counters);
	scenario->counters = NULL;
	scenario->counters_size = scenario->counters_used = 0;

	scenario->epoch++;
	scenario->requests = scenario->connections = scenario->granted = 0;
	scenario->peak = scenario->inflight;
	scenario->tokens_at = scenario->banned_until = 0;
}

static Counter *
find_counter(Counter *counters, size_t size, const char *name)
{
	size_t		i = hash_text(HASH_SEED, name) & (size - 1);

	while (counters[i].name != NULL && strcmp(counters[i].name, name) != 0)
		i = (i + 1) & (size - 1);
	return &counters[i];
}

static void
grow_counters(Scenario *scenario)
{
	size_t		size = scenario->counters_size ? scenario->counters_size * 2 : 64;
	Counter    *counters = xcalloc(size * sizeof(Counter));

	for (size_t i = 0; i < scenario->counters_size; i++)
		if (scenario->counters[i].name != NULL)
			*find_counter(counters, size, scenario->counters[i].name) =
				scenario->counters[i];
	free(scenario->counters);
	scenario->counters = counters;
	scenario->counters_size = size;
}

long *
scenario_counter(Scenario *scenario, const char *name)
{
	Counter    *counter;

	if (scenario->counters_used * 2 >= scenario->counters_size)
		grow_counters(scenario);
	counter = find_counter(scenario->counters, scenario->counters_size, name);
	if (counter->name == NULL)
	{
		counter->name = xstrdup(name);
		scenario->counters_used++;
	}
	return &counter->value;
}

long
scenario_request(Scenario *scenario, Peer *peer, LogRow row)
{
	if (peer->scenario != scenario)
	{
		peer_closed(peer);
		peer->scenario = scenario;
		scenario->open++;
		scenario->connections++;
	}
	peer->requests++;
	scenario->requests++;

	if (scenario->requests > MAX_LOG)
	{
		free(row.raw_query);
		free(row.user_agent);
		free(row.key);
		return scenario->requests;
	}
	if (scenario->log_len == scenario->log_cap)
	{
		scenario->log_cap = scenario->log_cap ? scenario->log_cap * 2 : 64;
		scenario->log = xrealloc(scenario->log,
								 scenario->log_cap * sizeof(LogRow));
	}
	scenario->log[scenario->log_len++] = row;
	return scenario->requests;
}

void
scenario_answered(Scenario *scenario, long epoch, long number, int status)
{
	if (epoch == scenario->epoch && number <= scenario->log_len)
		scenario->log[number - 1].status = status;
}

void
peer_closed(Peer *peer)
{
	if (peer->scenario != NULL)
		peer->scenario->open--;
	peer->scenario = NULL;
}

void
scenario_print_log(const Scenario *scenario, Buf *out)
{
	for (long i = 0; i < scenario->log_len; i++)
	{
		const LogRow *row = &scenario->log[i];
		const Query *query = &row->query;

		buf_fmt(out, "%ld\t%lld\t%u\t%ld\t", i + 1, (long long) row->ms,
				row->connection, query->page);
		buf_tsv(out, query->list.region);
		buf_fmt(out, "\t%d\t", query->list.period);
		buf_tsv(out, query->list.order_by);
		buf_fmt(out, "\t%ld\t%d\t", query->limit, row->status);
		buf_tsv(out, row->raw_query);
		buf_fmt(out, "\t%d\t", row->fresh);
		buf_tsv(out, row->user_agent);
		buf_fmt(out, "\t%c\t", row->resumed);
		buf_tsv(out, row->key);
		buf_char(out, '\n');
	}
}
