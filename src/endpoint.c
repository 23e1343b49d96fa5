/*-------------------------------------------------------------------------
 *
 * endpoint.c
 *	  The table of endpoints.
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"

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

static const KeyapiColumn trending_columns[] = {
	{"rank", "integer", KEYAPI_COLUMN_RANK, NULL,
	"position in the list, from 1"},
	{"region", "text", KEYAPI_COLUMN_PARAM, "region",
	"region that was asked for (a code such as US)"},
	{"period", "integer", KEYAPI_COLUMN_PARAM, "period",
	"days that the list looks back: 7 or 30"},
	{"order_by", "text", KEYAPI_COLUMN_PARAM, "order_by",
	"what the list is ordered by: vv, like, comment or repost"},
	{"id", "text", KEYAPI_COLUMN_FIELD, "id",
	"id of the video, 19 digits"},
	{"item_id", "text", KEYAPI_COLUMN_FIELD, "item_id",
	"id of the video, as item"},
	{"title", "text", KEYAPI_COLUMN_FIELD, "title",
	"caption"},
	{"item_url", "text", KEYAPI_COLUMN_FIELD, "item_url",
	"page of the video; the handle in it is a placeholder"},
	{"cover", "text", KEYAPI_COLUMN_FIELD, "cover",
	"URL of the cover image; it expires about six hours after fetched_at"},
	{"country_code", "text", KEYAPI_COLUMN_FIELD, "country_code",
	"region as the API answers it, as a code"},
	{"duration", "integer", KEYAPI_COLUMN_FIELD, "duration",
	"length in seconds"},
	{"region_name", "text", KEYAPI_COLUMN_FIELD, "region",
	"region as the API answers it, as a name"},
	{"attrs", "jsonb", KEYAPI_COLUMN_FIELD, "",
	"the whole video object"},
	{"page", "integer", KEYAPI_COLUMN_PAGE, NULL,
	"page that the row came on, from 1"},
	{"total_count", "integer", KEYAPI_COLUMN_TOTAL_COUNT, NULL,
	"number of videos that the API announces for the list"},
	{"request_id", "text", KEYAPI_COLUMN_REQUEST_ID, NULL,
	"the API's id of the request that brought the row"},
	{"fetched_at", "timestamptz", KEYAPI_COLUMN_FETCHED_AT, NULL,
	"when the page arrived"},
};

const KeyapiEndpoint keyapi_endpoints[] = {
	{
		.path = "tiktok/trending/videos",
		.schema = "tiktok",
		.table = "tiktok_trending",
		.comment = "trending videos of TikTok, one list per region, period and order_by",
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
