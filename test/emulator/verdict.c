/*-------------------------------------------------------------------------
 *
 * verdict.c
 *	  What becomes of a request: served, refused or spoilt.
 *
 * In the order of a real gateway: path, key, permission, quota, rate limit;
 * then the scenario's faults; then the parameters.
 *
 *-------------------------------------------------------------------------
 */
#include "verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEFAULT_KEY "sk_live_test"

static void
http_date(char *out, size_t size, long seconds_from_now)
{
	time_t		when = (time_t) (wall_ms() / 1000) + seconds_from_now;
	struct tm	tm;

	gmtime_r(&when, &tm);
	strftime(out, size, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static const char *
status_message(long status)
{
	switch (status)
	{
		case 400:
			return "Missing required parameter: handle";
		case 401:
			return "apiKey is null";
		case 402:
			return "apiKey quota is not enough";
		case 403:
			return "apiKey has no access to this endpoint";
		case 404:
			return "Not Found";
		case 429:
			return "qps limit exceeded";
		case 500:
			return "Internal server error";
		default:
			return "Something went wrong";
	}
}

/*
 * Retry-After of a fault: seconds or any text as it stands, "date:SECONDS",
 * "past" (a date), "huge" or "junk".
 */
static void
print_after(const char *after, long clock, char *out, size_t size)
{
	long		seconds;

	if (sscanf(after, "date:%ld", &seconds) == 1)
		http_date(out, size, seconds + clock);
	else if (strcmp(after, "past") == 0)
		http_date(out, size, clock - 3600);
	else if (strcmp(after, "huge") == 0)
		snprintf(out, size, "99999999999");
	else if (strcmp(after, "junk") == 0)
		snprintf(out, size, "soon;ish");
	else
		snprintf(out, size, "%.50s", after);

	/* It goes into a header. */
	for (char *p = out; *p; p++)
		if (iscntrl((unsigned char) *p))
			*p = '?';
}

/*
 * Count a request in this second of the clock.  As rate_limit.
 */
static int64_t
window_limit(Scenario *scenario, const Settings *set)
{
	int64_t		ms = wall_ms();

	if (scenario->window != ms / 1000)
	{
		scenario->window = ms / 1000;
		scenario->in_window = 0;
	}
	if (scenario->in_window < set->qps)
	{
		scenario->in_window++;
		return 0;
	}
	return (1000 - ms % 1000) * 1000;
}

/*
 * Take a token from the scenario's bucket.  Returns 0, or the microseconds
 * until it pays to come back.
 */
static int64_t
rate_limit(Scenario *scenario, const Settings *set)
{
	int64_t		now = monotonic_us();
	int64_t		wait;

	if (scenario->tokens_at == 0)
		scenario->tokens = set->burst;
	else
		scenario->tokens += (now - scenario->tokens_at) / 1e6 * set->qps;
	if (scenario->tokens > set->burst)
		scenario->tokens = set->burst;
	scenario->tokens_at = now;

	if (now >= scenario->banned_until && scenario->tokens >= 1)
	{
		scenario->tokens -= 1;
		return 0;
	}

	/* A limiter that penalises starts the ban anew with each such request. */
	if (set->penalise > 0)
	{
		scenario->banned_until = now + set->penalise * 1000;
		return set->penalise * 1000;
	}
	wait = (int64_t) ((1 - scenario->tokens) / set->qps * 1e6);
	return wait > 0 ? wait : 1;
}

static void
refuse_429(Verdict *verdict, const Settings *set, int64_t wait)
{
	long		seconds = (long) ((wait + 999999) / 1000000);

	verdict->status = 429;
	if (set->retryafter == RETRYAFTER_YES)
		snprintf(verdict->after, sizeof(verdict->after), "%ld", seconds);
	else if (set->retryafter == RETRYAFTER_DATE)
		http_date(verdict->after, sizeof(verdict->after), seconds + set->clock);
}

static bool
in_range(const Range *range, long value)
{
	return range->lo == 0 ? range->hi == 0 || value <= range->hi :
		value >= range->lo && value <= range->hi;
}

/* Does the fault apply, by its selectors that know no history? */
static bool
selects(const Fault *fault, const Incoming *in, long attempt)
{
	const Query *query = in->query;

	return in_range(&fault->nth, in->number) &&
		in_range(&fault->attempt, attempt) &&
		in_range(&fault->page, query->page) &&
		(!fault->region || !strcmp(fault->region, query->list.region)) &&
		(!fault->order_by || !strcmp(fault->order_by, query->list.order_by)) &&
		(!fault->period || fault->period == query->list.period);
}

/* Does it apply, by every= and times=? */
static bool
is_due(Scenario *scenario, const Fault *fault)
{
	char		name[40];

	if (fault->every > 0)
	{
		snprintf(name, sizeof(name), "every %llx",
				 (unsigned long long) fault->id);
		if (++*scenario_counter(scenario, name) % fault->every != 0)
			return false;
	}
	if (fault->times > 0)
	{
		snprintf(name, sizeof(name), "times %llx",
				 (unsigned long long) fault->id);
		if (++*scenario_counter(scenario, name) > fault->times)
			return false;
	}
	return true;
}

/* How often this very page has been asked for, this time included. */
static long
count_attempt(Scenario *scenario, const Query *query)
{
	char		name[160];

	snprintf(name, sizeof(name), "try %s %d %s %ld %ld", query->list.region,
			 query->list.period, query->list.order_by, query->page,
			 query->limit);
	return ++* scenario_counter(scenario, name);
}

static const Fault *
choose_fault(Scenario *scenario, const Incoming *in)
{
	const Settings *set = in->settings;
	long		attempt = 0;

	if (set->nfaults > 0)
		attempt = count_attempt(scenario, in->query);
	for (int i = 0; i < set->nfaults; i++)
		if (selects(&set->faults[i], in, attempt) &&
			is_due(scenario, &set->faults[i]))
			return &set->faults[i];
	return NULL;
}

/*
 * The gateway's part.  Returns the status, 200 if the request may pass.
 */
static int
pass_gateway(Scenario *scenario, const Incoming *in, Verdict *verdict)
{
	const Settings *set = in->settings;
	const char *key = set->key ? set->key : DEFAULT_KEY;

	if (!in->known_path)
		return 404;
	if (in->key == NULL)
		return 401;
	if (strcmp(key, "any") != 0 && strcmp(key, in->key) != 0)
	{
		verdict->message = "apiKey is invalid";
		return 401;
	}
	if (set->words & WORD_FORBIDDEN)
		return 403;
	if (set->quota >= 0 && scenario->granted >= set->quota)
		return 402;
	if (set->qps > 0)
	{
		int64_t		wait = set->words & WORD_WINDOW ?
		window_limit(scenario, set) : rate_limit(scenario, set);

		if (wait > 0)
		{
			refuse_429(verdict, set, wait);
			return 429;
		}
	}
	scenario->granted++;
	return 200;
}

static void
apply_fault(Verdict *verdict, const Fault *fault, long clock)
{
	verdict->fault = fault;
	verdict->location = fault->location;
	verdict->words |= fault->words;
	verdict->delay += fault->delay;
	if (fault->kind == FAULT_LATENCY)
		verdict->delay += fault->ms;
	if (fault->kind == FAULT_STATUS)
	{
		verdict->status = (int) fault->code;
		verdict->message = fault->message;
	}
	if (fault->kind == FAULT_CODE)
		verdict->message = fault->message ? fault->message :
			status_message(fault->code);
	if (fault->after != NULL)
		print_after(fault->after, clock, verdict->after, sizeof(verdict->after));
}

Verdict
verdict_of(Scenario *scenario, const Incoming *in)
{
	const Settings *set = in->settings;
	Verdict		verdict = {.words = set->words,.delay = set->latency};

	if (set->clock != 0)
		http_date(verdict.date, sizeof(verdict.date), set->clock);
	verdict.status = pass_gateway(scenario, in, &verdict);
	if (verdict.status == 200)
	{
		const Fault *fault = choose_fault(scenario, in);

		if (fault != NULL)
			apply_fault(&verdict, fault, set->clock);
	}
	if (verdict.status == 200 && in->query_error != NULL)
	{
		verdict.status = 400;
		verdict.message = in->query_error;
	}
	if (verdict.status == 200 && set->churn > 0)
	{
		const List *list = &in->query->list;
		char		name[100];

		snprintf(name, sizeof(name), "churn %s %d %s", list->region,
				 list->period, list->order_by);
		verdict.churned = (*scenario_counter(scenario, name))++ * set->churn;
	}
	if (verdict.message == NULL)
		verdict.message = status_message(verdict.status);
	return verdict;
}
