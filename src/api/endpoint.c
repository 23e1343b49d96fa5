/*-------------------------------------------------------------------------
 *
 * endpoint.c
 *	  The table of endpoints.
 *
 *-------------------------------------------------------------------------
 */
#include "api/endpoint.h"

#include <stddef.h>
#include <string.h>

#define lengthof_array(array) ((int) (sizeof(array) / sizeof((array)[0])))

static const char *const period_domain[] = {"7", "30", NULL};
static const char *const order_by_domain[] = {"vv", "like", "comment", "repost", NULL};

static const KeyapiParam trending_params[] = {
	{"region", "text", "US", NULL, "regions"},
	{"period", "integer", "7", period_domain, NULL},
	{"order_by", "text", "vv", order_by_domain, NULL},
};

_Static_assert(lengthof_array(trending_params) <= KEYAPI_MAX_PARAMS,
			   "KEYAPI_MAX_PARAMS is too small");

/* What each of them means to a user is in the README. */
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

const KeyapiEndpoint keyapi_endpoints[] = {
	{
		.path = "tiktok/trending/videos",
		.schema = "tiktok",
		.table = "tiktok_trending",
		.credits = 2,
		.max_page_size = 20,
		.typical_rows = 500,
		.id_field = "id",
		.echo_param = "region",
		.echo_field = "country_code",
		.params = trending_params,
		.nparams = lengthof_array(trending_params),
		.columns = trending_columns,
		.ncolumns = lengthof_array(trending_columns),
	},
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
