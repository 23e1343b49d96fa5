/*-------------------------------------------------------------------------
 *
 * odd.c
 *	  The endpoints of test/unit/odd_endpoints.c, which no real API has.
 *
 *-------------------------------------------------------------------------
 */
#include "odd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Parameters that choose a list of things; NULL: any value. */
static const struct
{
	const char *name;
	const char *values[3];
}			params[ODD_PARAMS] = {
	{"colour", {NULL}},
	{"shape", {"round", "square"}},
	{"size", {NULL}},
	{"hot", {"false", "true"}},
	{"fresh", {"false", "true"}},
};

static const struct
{
	const char *path;
	OddKind		kind;
	const char *page;			/* parameters: number, */
	const char *limit;			/* ... and size of the page, */
	long		max_limit;		/* ... which may be so much */
}			endpoints[] = {
	{"/v1/odd/things", ODD_THINGS, "pageNo", "per", 7},
	{"/v1/odd/bare", ODD_BARE, "p", "s", 10},
};

OddKind
odd_kind(const char *path)
{
	for (size_t i = 0; i < LENGTH(endpoints); i++)
	{
		size_t		len = strlen(endpoints[i].path);

		if (strlen(path) >= len &&
			strcmp(path + strlen(path) - len, endpoints[i].path) == 0)
			return endpoints[i].kind;
	}
	return ODD_NONE;
}

static bool
is_valid(int param, const char *value)
{
	const char *const *values = params[param].values;

	if (values[0] == NULL)
		return *value != '\0';
	for (int i = 0; values[i] != NULL; i++)
		if (strcmp(values[i], value) == 0)
			return true;
	return false;
}

const char *
odd_query_parse(const char *raw, Query *query)
{
	OddKind		kind = query->odd;
	size_t		i = 0;

	*query = (Query)
	{
		.odd = kind
	};
	while (endpoints[i].kind != kind)
		i++;
	if (!query_number(raw, endpoints[i].page, &query->page) || query->page < 1)
		return "Invalid parameter: page number";
	if (!query_number(raw, endpoints[i].limit, &query->limit) ||
		query->limit < 1 || query->limit > endpoints[i].max_limit)
		return "Invalid parameter: page size";
	for (int k = 0; kind == ODD_THINGS && k < ODD_PARAMS; k++)
	{
		char	   *value = query->odd_values[k];

		if (!query_text(raw, params[k].name, value, sizeof(query->odd_values[k])) ||
			!is_valid(k, value))
			return "Invalid parameter: one that chooses the list";
	}
	return NULL;
}

/* A number for the list, so that ids of different lists differ. */
static unsigned long long
list_number(const Query *query)
{
	uint64_t	hash = HASH_SEED;

	for (int i = 0; i < ODD_PARAMS; i++)
		hash = hash_text(hash, query->odd_values[i]) + 1;
	return hash % 1000000000;
}

/*
 * A thing: an id beyond 32 bits, a rank that counts from 1000 downwards, and a
 * maker only at odd ranks.
 */
static void
add_thing(Buf *out, const Query *query, long rank)
{
	const char *const colour = query->odd_values[0];
	Buf			label = {0};

	buf_fmt(&label, "%s %s %s %s %s %ld", colour, query->odd_values[1],
			query->odd_values[2], query->odd_values[3], query->odd_values[4], rank);
	buf_fmt(out, "{\"key\":{\"id\":%llu%06ld},\"names\":[{\"en\":",
			list_number(query) + 1000000000, rank);
	buf_json(out, label.data, false);
	buf_fmt(out, "}],\"rank\":%ld,\"hot\":%s,\"page\":\"x\"", 1000 - rank,
			rank % 3 == 0 ? "true" : "false");
	if (rank % 2 == 1)
		buf_fmt(out, ",\"maker\":{\"country\":{\"id\":\"US\"}}");
	buf_fmt(out, ",\"trend\":[{\"time\":%ld,\"value\":0.5}]}", 1769472000 + rank);
	buf_free(&label);
}

void
odd_page(Buf *out, const Settings *set, const Query *query)
{
	long		first = (query->page - 1) * query->limit;	/* from 0 */
	long		left = set->total > first ? set->total - first : 0;
	long		n = left < query->limit ? left : query->limit;
	long		moved = first - set->shift * (query->page - 1);

	if (query->odd == ODD_THINGS)
		buf_fmt(out, "{\"trace\":\"t%ld\",\"payload\":{\"paging\":{\"more\":%s,"
				"\"per\":%ld,\"n\":%ld},\"things\":[", query->page,
				left > n ? "true" : "false", query->limit,
				set->lietotal >= 0 ? set->lietotal : set->total);
	else
		buf_str(out, "{\"payload\":{\"lines\":[");
	for (long i = 1; i <= n; i++)
	{
		if (i > 1)
			buf_char(out, ',');
		if (query->odd == ODD_THINGS)
			add_thing(out, query, moved + i);
		else
			buf_str(out, "{\"label\":\"same\"}");
	}
	buf_str(out, query->odd == ODD_THINGS ? "]},\"ret\":0,\"text\":\"ok\"}" : "]}}");
}

void
odd_error(Buf *out, long code, const char *message)
{
	buf_fmt(out, "{\"ret\":%ld,\"text\":", code);
	buf_json(out, message, false);
	buf_char(out, '}');
}
