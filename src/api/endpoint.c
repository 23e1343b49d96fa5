/*-------------------------------------------------------------------------
 *
 * endpoint.c
 *	  The table of endpoints.
 *
 *-------------------------------------------------------------------------
 */
#include "api/endpoint.h"

#include <string.h>
#include <strings.h>

/* Entries that a test adds; see test/unit/odd_endpoints.c. */
#ifndef KEYAPI_MORE_ENDPOINTS
#define KEYAPI_MORE_ENDPOINTS
#endif

/* KeyAPI wraps the answers of all its endpoints in the same way. */
static const KeyapiEnvelope envelope = {
	.code = KEYAPI_TEXTS("code"),
	.message = KEYAPI_TEXTS("message", "msg"),
	.request_id = KEYAPI_TEXTS("requestId"),
	.data = KEYAPI_TEXTS("data"),
	.pagination = KEYAPI_TEXTS("pagination"),
	.has_more = KEYAPI_TEXTS("has_more"),
	.page_size = KEYAPI_TEXTS("limit", "size"),
	.total_count = KEYAPI_TEXTS("total_count", "total"),
};

/* ---------------------------------------------------------------------
 * tiktok/trending/videos
 * ---------------------------------------------------------------------
 */

static const KeyapiParam trending_params[] = {
	{
		.name = "region",
		.type = KEYAPI_PARAM_TEXT,
		.default_value = "US",
		.domain_option = "regions",
		.lookalikes = KEYAPI_TEXTS("country_code", "region"),
	},
	{
		.name = "period",
		.type = KEYAPI_PARAM_INTEGER,
		.default_value = "7",
		.domain = KEYAPI_TEXTS("7", "30"),
		.domain_option = "periods",
	},
	{
		.name = "order_by",
		.type = KEYAPI_PARAM_TEXT,
		.default_value = "vv",
		.domain = KEYAPI_TEXTS("vv", "like", "comment", "repost"),
		.domain_option = "order_bys",
	},
};

/* What each of them means to a user is in doc/reference.md. */
static const KeyapiColumn trending_columns[] = {
	{"rank", "integer", KEYAPI_COLUMN_RANK, NULL},
	{"region", "text", KEYAPI_COLUMN_PARAM, "region"},
	{"period", "integer", KEYAPI_COLUMN_PARAM, "period"},
	{"order_by", "text", KEYAPI_COLUMN_PARAM, "order_by"},
	{"id", "text", KEYAPI_COLUMN_FIELD, "id"},
	{"item_id", "text", KEYAPI_COLUMN_FIELD, "item_id"},
	{"title", "text", KEYAPI_COLUMN_FIELD, "title"},
	{"item_url", "text", KEYAPI_COLUMN_FIELD, "item_url"},
	{"cover", "text", KEYAPI_COLUMN_FIELD, "cover"},
	{"country_code", "text", KEYAPI_COLUMN_FIELD, "country_code"},
	{"duration", "integer", KEYAPI_COLUMN_FIELD, "duration"},

	/* the API calls it "region", but it is a display name */
	{"region_name", "text", KEYAPI_COLUMN_FIELD, "region"},

	{"attrs", "jsonb", KEYAPI_COLUMN_FIELD, ""},
	{"page", "integer", KEYAPI_COLUMN_PAGE, NULL},
	{"total_count", "integer", KEYAPI_COLUMN_TOTAL_COUNT, NULL},
	{"request_id", "text", KEYAPI_COLUMN_REQUEST_ID, NULL},
	{"fetched_at", "timestamptz", KEYAPI_COLUMN_FETCHED_AT, NULL},
};

/* ---------------------------------------------------------------------
 * tiktok/trending/hashtags
 * ---------------------------------------------------------------------
 */

static const KeyapiParam hashtag_params[] = {
	{
		.name = "region",
		.type = KEYAPI_PARAM_TEXT,
		.default_value = "all_regions",
		.domain_option = "regions",
	},
	{
		.name = "period",
		.type = KEYAPI_PARAM_INTEGER,
		.default_value = "7",
		.domain = KEYAPI_TEXTS("7", "30", "120"),
		.domain_option = "periods",
	},
	{
		.name = "industry_id",
		.type = KEYAPI_PARAM_TEXT,
		.default_value = "nothing",
		.domain_option = "industry_ids",
	},
	{
		.name = "new_to_top_100",
		.type = KEYAPI_PARAM_BOOLEAN,
		.default_value = "false",
		.domain = KEYAPI_TEXTS("false", "true"),
	},
};

static const KeyapiColumn hashtag_columns[] = {
	{"rank", "integer", KEYAPI_COLUMN_RANK, NULL},
	{"region", "text", KEYAPI_COLUMN_PARAM, "region"},
	{"period", "integer", KEYAPI_COLUMN_PARAM, "period"},
	{"industry_id", "text", KEYAPI_COLUMN_PARAM, "industry_id"},
	{"new_to_top_100", "boolean", KEYAPI_COLUMN_PARAM, "new_to_top_100"},
	{"hashtag_id", "text", KEYAPI_COLUMN_FIELD, "hashtag_id"},
	{"hashtag_name", "text", KEYAPI_COLUMN_FIELD, "hashtag_name"},
	{"video_views", "bigint", KEYAPI_COLUMN_FIELD, "video_views"},
	{"publish_cnt", "bigint", KEYAPI_COLUMN_FIELD, "publish_cnt"},

	/* the chart's own, which need not be the position in the list */
	{"chart_rank", "integer", KEYAPI_COLUMN_FIELD, "rank"},

	{"rank_diff_type", "integer", KEYAPI_COLUMN_FIELD, "rank_diff_type"},
	{"is_promoted", "boolean", KEYAPI_COLUMN_FIELD, "is_promoted"},
	{"country_code", "text", KEYAPI_COLUMN_FIELD, "country_info.id"},
	{"country_name", "text", KEYAPI_COLUMN_FIELD, "country_info.value"},
	{"industry", "text", KEYAPI_COLUMN_FIELD, "industry_info.value"},
	{"trend", "jsonb", KEYAPI_COLUMN_FIELD, "trend"},
	{"creators", "jsonb", KEYAPI_COLUMN_FIELD, "creators"},
	{"attrs", "jsonb", KEYAPI_COLUMN_FIELD, ""},
	{"page", "integer", KEYAPI_COLUMN_PAGE, NULL},
	{"total_count", "integer", KEYAPI_COLUMN_TOTAL_COUNT, NULL},
	{"request_id", "text", KEYAPI_COLUMN_REQUEST_ID, NULL},
	{"fetched_at", "timestamptz", KEYAPI_COLUMN_FETCHED_AT, NULL},
};

/* ---------------------------------------------------------------------
 * All of them
 * ---------------------------------------------------------------------
 */

const KeyapiEndpoint keyapi_endpoints[] = {
	{
		.path = "tiktok/trending/videos",
		.page_param = "page",
		.page_size_param = "limit",
		.max_page_size = 20,
		.credits = 2,
		.envelope = &envelope,
		.array = KEYAPI_TEXTS("videos", "list"),
		.id_field = "id",
		.echo_param = "region",
		.echo_field = "country_code",
		.typical_rows = 500,
		.schema = "tiktok",
		.table = "tiktok_trending",
		.item = "video",
		.items = "videos",
		KEYAPI_PARAMS(trending_params),
		KEYAPI_COLUMNS(trending_columns),
	},
	{
		.path = "tiktok/trending/hashtags",
		.page_param = "page",
		.page_size_param = "limit",
		.max_page_size = 20,
		.credits = 2,
		.envelope = &envelope,
		.array = KEYAPI_TEXTS("list"),
		.id_field = "hashtag_id",
		.typical_rows = 100,
		.schema = "tiktok",
		.table = "tiktok_trending_hashtags",
		.item = "hashtag",
		.items = "hashtags",
		KEYAPI_PARAMS(hashtag_params),
		KEYAPI_COLUMNS(hashtag_columns),
	},
	KEYAPI_MORE_ENDPOINTS
	{.path = NULL}
};

const KeyapiEndpoint *
keyapi_endpoint_find(const char *path)
{
	for (const KeyapiEndpoint *e = keyapi_endpoints; e->path != NULL; e++)
	{
		if (strcmp(e->path, path) == 0)
			return e;
	}
	return NULL;
}

const KeyapiColumn *
keyapi_endpoint_column(const KeyapiEndpoint *endpoint, const char *name)
{
	for (int i = 0; i < endpoint->ncolumns; i++)
	{
		if (strcmp(endpoint->columns[i].name, name) == 0)
			return &endpoint->columns[i];
	}
	return NULL;
}

const KeyapiColumn *
keyapi_endpoint_column_meant(const KeyapiEndpoint *endpoint, const char *name)
{
	if (keyapi_endpoint_column(endpoint, name) != NULL)
		return NULL;
	for (int i = 0; i < endpoint->ncolumns; i++)
	{
		if (strcasecmp(endpoint->columns[i].name, name) == 0)
			return &endpoint->columns[i];
	}
	return NULL;
}

int
keyapi_endpoint_param(const KeyapiEndpoint *endpoint, const char *name)
{
	for (int i = 0; i < endpoint->nparams; i++)
	{
		if (strcmp(endpoint->params[i].name, name) == 0)
			return i;
	}
	return -1;
}
