/*-------------------------------------------------------------------------
 *
 * odd.c
 *	  The endpoints of test/unit/odd_endpoints.c, which no real API has.
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"

/* Both have as many rows as total= says. */
static long
total_rows(const Settings *settings, const Query *query)
{
	(void) query;
	return settings->total;
}

/*
 * A thing: an id beyond 32 bits, a rank that counts from 1000 downwards, and a
 * maker only at odd ranks.
 */
static void
add_thing(Buf *out, const Query *query, long rank)
{
	const char *const colour = query->values[0];
	Buf			label = {0};

	buf_fmt(&label, "%s %s %s %s %s %ld", colour, query->values[1],
			query->values[2], query->values[3], query->values[4], rank);
	buf_fmt(out, "{\"key\":{\"id\":%llu%06ld},\"names\":[{\"en\":",
			(unsigned long long) endpoint_list_number(query) % 1000000000 +
			1000000000, rank);
	buf_json(out, label.data, false);
	buf_fmt(out, "}],\"rank\":%ld,\"hot\":%s,\"page\":\"x\"", 1000 - rank,
			rank % 3 == 0 ? "true" : "false");
	if (rank % 2 == 1)
		buf_fmt(out, ",\"maker\":{\"country\":{\"id\":\"US\"}}");
	buf_fmt(out, ",\"trend\":[{\"time\":%ld,\"value\":0.5}]}", 1769472000 + rank);
	buf_free(&label);
}

static void
add_things(Buf *out, const Settings *settings, const Query *query,
		   const PageRows *rows)
{
	buf_fmt(out, "{\"trace\":\"t%ld\",\"payload\":{\"paging\":{\"more\":%s,"
			"\"per\":%ld,\"n\":%ld},\"things\":[", query->page,
			rows->has_more ? "true" : "false", query->limit,
			endpoint_announced_total(settings, query));
	for (long i = 0; i < rows->count; i++)
	{
		if (i > 0)
			buf_char(out, ',');
		add_thing(out, query, rows->first + rows->moved + i);
	}
	buf_str(out, "]},\"ret\":0,\"text\":\"ok\"}");
}

static void
add_things_error(Buf *out, long code, const char *message)
{
	buf_fmt(out, "{\"ret\":%ld,\"text\":", code);
	buf_json(out, message, false);
	buf_char(out, '}');
}

static void
add_lines(Buf *out, const Settings *settings, const Query *query,
		  const PageRows *rows)
{
	(void) settings, (void) query;
	buf_str(out, "{\"payload\":{\"lines\":[");
	for (long i = 0; i < rows->count; i++)
		buf_str(out, i > 0 ? ",{\"label\":\"same\"}" : "{\"label\":\"same\"}");
	buf_str(out, "]}}");
}

const Endpoint odd_things = {
	.path = "/v1/odd/things",
	.page = "pageNo",
	.limit = "per",
	.max_limit = 7,
	.params = {
		{"colour"},
		{"shape", NULL, {"round", "square"}},
		{"size"},
		{"hot", NULL, {"false", "true"}},
		{"fresh", NULL, {"false", "true"}},
	},
	.total = total_rows,
	.add_page = add_things,
	.add_error = add_things_error,
};

const Endpoint odd_bare = {
	.path = "/v1/odd/bare",
	.page = "p",
	.limit = "s",
	.max_limit = 10,
	.total = total_rows,
	.add_page = add_lines,
};
