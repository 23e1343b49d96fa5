/*-------------------------------------------------------------------------
 *
 * control.c
 *	  What tests ask the emulator: /_/COMMAND/NAME?argument=N
 *
 *-------------------------------------------------------------------------
 */
#include "control.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

/* An await that ends without its event: a test that hangs fails instead. */
#define HANG_GUARD (60 * INT64_C(1000000))

/* Commands that tell a number. */
static const struct
{
	const char *name;
	size_t		offset;
}			numbers[] = {
	{"count", offsetof(Scenario, requests)},
	{"connections", offsetof(Scenario, connections)},
	{"open", offsetof(Scenario, open)},
	{"inflight", offsetof(Scenario, inflight)},
	{"peak", offsetof(Scenario, peak)},
	{"stalled", offsetof(Scenario, stalled)},
	{NULL}
};

static const struct
{
	const char *name;
	HoldEvent	event;
}			events[] = {
	{"requests=", EVENT_REQUESTS},
	{"stalled=", EVENT_STALLED},
	{"inflight=", EVENT_INFLIGHT},
	{NULL}
};

/* With state_lock held. */
static Reply
await(Scenario *scenario, const char *query, Hold *hold)
{
	Reply		reply = {400};

	hold->kind = HOLD_AWAIT;
	hold->scenario = scenario;
	hold->due = monotonic_us() + HANG_GUARD;
	hold->timed_out = false;

	for (int i = 0; query != NULL && events[i].name != NULL; i++)
		if (strncmp(query, events[i].name, strlen(events[i].name)) == 0)
		{
			hold->event = events[i].event;
			hold->wanted = atol(query + strlen(events[i].name));
			if (hold_event_is_here(hold))
				return control_awaited(hold);
			hold_start(hold);
			reply.status = 0;
			return reply;
		}
	buf_str(&reply.body, "requests=N, stalled=N or inflight=N?\n");
	return reply;
}

/* With state_lock held. */
static Reply
run_command(const char *command, Scenario *scenario, const char *query,
			Hold *hold)
{
	Reply		reply = {200};

	for (int i = 0; numbers[i].name != NULL; i++)
		if (strcmp(command, numbers[i].name) == 0)
		{
			buf_fmt(&reply.body, "%ld\n",
					*(long *) ((char *) scenario + numbers[i].offset));
			return reply;
		}

	if (strcmp(command, "log") == 0)
		scenario_print_log(scenario, &reply.body);
	else if (strcmp(command, "reset") == 0)
		scenario_reset(scenario);
	else if (strcmp(command, "release") == 0)
	{
		hold_release(scenario);
		wire_release(scenario);
	}
	else if (strcmp(command, "await") == 0)
		return await(scenario, query, hold);
	else
	{
		reply.status = 404;
		buf_str(&reply.body, "no such command\n");
	}
	return reply;
}

Reply
control_run(const char *path, const char *query, Hold *hold)
{
	char		command[16];
	char		name[NAME_SIZE];
	Reply		reply = {404};

	if (sscanf(path, CONTROL_PREFIX "%15[a-z]/%64[A-Za-z0-9_-]",
			   command, name) != 2)
	{
		buf_str(&reply.body, CONTROL_PREFIX "COMMAND/NAME?\n");
		return reply;
	}

	pthread_mutex_lock(&state_lock);
	reply = run_command(command, scenario_get(name), query, hold);
	pthread_mutex_unlock(&state_lock);
	return reply;
}

Reply
control_awaited(const Hold *hold)
{
	Reply		reply = {hold->timed_out ? 504 : 200};

	buf_str(&reply.body, hold->timed_out ? "the event never came\n" : "ok\n");
	return reply;
}
