/*-------------------------------------------------------------------------
 *
 * hashtags.c
 *	  GET /v1/tiktok/trending/hashtags
 *
 * Everything follows from the parameters and the rank alone.
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"

#include <string.h>

#include "body.h"
#include "data.h"

#define LENGTH(array) ((long) (sizeof(array) / sizeof((array)[0])))

#define MAX_RANKS 1000			/* room for a list's ids */

/* Days of a trend, the last of which is 2026-01-27. */
#define TREND_DAYS 7
#define TREND_END 1769472000L
#define DAY 86400L

enum
{
	REGION,
	PERIOD,
	INDUSTRY_ID,
	NEW_TO_TOP_100
};

static const char *const names[] = {
	"clean", "fyp", "recipe", "\xe3\x81\xad\xe3\x81\x93", "workout", "\xd1\x81\xd0\xbe\xd0\xb2\xd0\xb5\xd1\x82\xd1\x8b", "ootd", "grwm", "caf\xc3\xa9", "diy"
};

static const struct
{
	const char *id;
	const char *name;
}			industries[] = {
	{"11000000000", "Education"},
	{"14000000000", "Beauty & Personal Care"},
	{"22000000000", "Apparel & Accessories"},
	{"27000000000", "Food & Beverage"},
};

/*
 * A list has as many hashtags as the setting says; that of region ZZ none, and
 * those of the new ones a fifth.
 */
static long
total_rows(const Settings *settings, const Query *query)
{
	if (strcmp(query->values[REGION], "ZZ") == 0)
		return 0;
	if (strcmp(query->values[NEW_TO_TOP_100], "true") == 0)
		return settings->hashtags / 5;
	return settings->hashtags;
}

static void
add_labelled(Buf *out, const char *name, const char *id, const char *label)
{
	buf_fmt(out, ",\"%s\":{\"id\":%s,\"value\":", name, id);
	buf_json(out, label, false);
	buf_str(out, ",\"label\":");
	buf_json(out, label, false);
	buf_char(out, '}');
}

/*
 * The country of a hashtag: the region asked for or, where all were, whichever.
 */
static void
add_country(Buf *out, const Query *query, long rank)
{
	static const char *const some[] = {"US", "GB", "JP"};
	const char *region = query->values[REGION];
	Buf			id = {0};

	if (strcmp(region, "all_regions") == 0)
		region = some[rank % LENGTH(some)];
	buf_json(&id, region, false);
	add_labelled(out, "country_info", id.data, region_name(region));
	buf_free(&id);
}

/*
 * What is asked for or else one of several; a third of the hashtags has none.
 */
static void
add_industry(Buf *out, const Query *query, long rank)
{
	const char *asked = query->values[INDUSTRY_ID];
	bool		any = strcmp(asked, "nothing") == 0;

	if (any && rank % 3 == 0)
		return;
	for (long i = 0; i < LENGTH(industries); i++)
		if (any ? i == rank % LENGTH(industries) :
			strcmp(asked, industries[i].id) == 0)
			add_labelled(out, "industry_info", industries[i].id, industries[i].name);
}

/* Odd ranks rise over the week, even ones fall. */
static void
add_trend(Buf *out, long rank)
{
	buf_str(out, ",\"trend\":[");
	for (int day = 0; day < TREND_DAYS; day++)
		buf_fmt(out, "%s{\"time\":%ld,\"value\":0.%02d}", day > 0 ? "," : "",
				TREND_END - (TREND_DAYS - 1 - day) * DAY,
				rank % 2 == 1 ? 20 + 10 * day : 90 - 10 * day);
	buf_char(out, ']');
}

static void
add_hashtag(Buf *out, const Query *query, long rank)
{
	unsigned long long id = endpoint_list_number(query) % 100000000 * MAX_RANKS + rank;
	Buf			name = {0};

	buf_fmt(&name, "%s%ld", names[rank % LENGTH(names)], rank);
	buf_fmt(out, "{\"hashtag_id\":\"%llu\",\"hashtag_name\":", id);
	buf_json(out, name.data, false);
	buf_fmt(out, ",\"is_promoted\":%s,\"publish_cnt\":%ld,\"video_views\":%ld,"
			"\"rank\":%ld,\"rank_diff_type\":%ld",
			rank % 10 == 0 ? "true" : "false", 4000000 / rank,
			9000000000 / rank, rank + rank / 10, rank % 4 + 1);
	add_country(out, query, rank);
	add_industry(out, query, rank);
	add_trend(out, rank);
	if (rank % 4 != 0)
		buf_fmt(out, ",\"creators\":[{\"nick_name\":\"creator %ld\","
				"\"avatar_url\":\"https://p16.example/%llu.webp\"}]", rank, id);
	buf_char(out, '}');
	buf_free(&name);
}

static void
add_page(Buf *out, const Settings *settings, const Query *query,
		 const PageRows *rows)
{
	buf_str(out, "{\"code\":0,\"data\":{\"list\":[");
	for (long i = 0; i < rows->count; i++)
	{
		if (i > 0)
			buf_char(out, ',');
		add_hashtag(out, query, rows->first + rows->moved + i);
	}
	buf_fmt(out, "],\"pagination\":{\"has_more\":%s,\"page\":%ld,\"size\":%ld,"
			"\"total\":%ld}},\"message\":\"success\",\"requestId\":\"%016llx-%ld\"}",
			rows->has_more ? "true" : "false", query->page, query->limit,
			endpoint_announced_total(settings, query),
			(unsigned long long) endpoint_list_number(query), query->page);
}

const Endpoint hashtags = {
	.path = "/v1/tiktok/trending/hashtags",
	.page = "page",
	.limit = "limit",
	.max_limit = PAGE_LIMIT,
	.page_is_optional = true,
	.params = {
		[REGION] = {"region", "all_regions"},
		[PERIOD] = {"period", "7", {"7", "30", "120"}},
		[INDUSTRY_ID] = {"industry_id", "nothing"},
		[NEW_TO_TOP_100] = {"new_to_top_100", "false", {"false", "true"}},
	},
	.total = total_rows,
	.add_page = add_page,
	.add_error = body_error,
};
