/*-------------------------------------------------------------------------
 *
 * odd_endpoints.c
 *	  The endpoint table with two entries more, to be linked in place of
 *	  api/endpoint.o.
 *
 * They differ from the real ones as far as the table allows, so that code which
 * assumes something about the real ones fails a test.  odd/things has many
 * parameters of all types, an envelope and names of its own, a nested id and no
 * echo; odd/bare lacks all that an entry may lack.  test/unit/ gives them to the
 * decoder, test/t/047_endpoints.pl to a server; the emulator serves them
 * (test/emulator/odd.c).
 *
 *-------------------------------------------------------------------------
 */
#include "api/endpoint.h"

static const KeyapiEnvelope odd_envelope = {
	.code = KEYAPI_TEXTS("ret"),
	.message = KEYAPI_TEXTS("text", "words"),
	.request_id = KEYAPI_TEXTS("trace"),
	.data = KEYAPI_TEXTS("payload"),
	.pagination = KEYAPI_TEXTS("paging"),
	.has_more = KEYAPI_TEXTS("more"),
	.page_size = KEYAPI_TEXTS("per", "per_page"),
	.total_count = KEYAPI_TEXTS("n"),
};

static const KeyapiEnvelope bare_envelope = {
	.data = KEYAPI_TEXTS("payload"),
};

static const KeyapiParam things_params[] = {
	{
		.name = "colour",
		.type = KEYAPI_PARAM_TEXT,
		.default_value = "red",
		.domain_option = "colours",
	},
	{
		.name = "shape",
		.type = KEYAPI_PARAM_TEXT,
		.default_value = "round",
		.domain = KEYAPI_TEXTS("round", "square"),
	},
	{
		.name = "size",
		.type = KEYAPI_PARAM_INTEGER,
		.default_value = "1",
	},
	{
		.name = "hot",
		.type = KEYAPI_PARAM_BOOLEAN,
		.default_value = "false",
		.domain = KEYAPI_TEXTS("false", "true"),
	},
	{
		.name = "fresh",
		.type = KEYAPI_PARAM_BOOLEAN,
		.default_value = "true",
		.domain = KEYAPI_TEXTS("false", "true"),
	},
};

/* The item has a "rank" of its own, a "page", and a field called "hot". */
static const KeyapiColumn things_columns[] = {
	{"rank", "integer", KEYAPI_COLUMN_RANK, NULL},
	{"colour", "text", KEYAPI_COLUMN_PARAM, "colour"},
	{"shape", "text", KEYAPI_COLUMN_PARAM, "shape"},
	{"size", "integer", KEYAPI_COLUMN_PARAM, "size"},
	{"hot", "boolean", KEYAPI_COLUMN_PARAM, "hot"},
	{"fresh", "text", KEYAPI_COLUMN_PARAM, "fresh"},
	{"thing_id", "bigint", KEYAPI_COLUMN_FIELD, "key.id"},
	{"label", "text", KEYAPI_COLUMN_FIELD, "names.0.en"},
	{"chart_rank", "integer", KEYAPI_COLUMN_FIELD, "rank"},
	{"is_hot", "boolean", KEYAPI_COLUMN_FIELD, "hot"},
	{"maker", "text", KEYAPI_COLUMN_FIELD, "maker.country.id"},
	{"trend", "jsonb", KEYAPI_COLUMN_FIELD, "trend"},
	{"attrs", "jsonb", KEYAPI_COLUMN_FIELD, ""},
	{"page", "integer", KEYAPI_COLUMN_PAGE, NULL},
	{"total_count", "integer", KEYAPI_COLUMN_TOTAL_COUNT, NULL},
	{"request_id", "text", KEYAPI_COLUMN_REQUEST_ID, NULL},
	{"fetched_at", "timestamptz", KEYAPI_COLUMN_FETCHED_AT, NULL},
};

static const KeyapiColumn bare_columns[] = {
	{"label", "text", KEYAPI_COLUMN_FIELD, "label"},
	{"rank", "integer", KEYAPI_COLUMN_RANK, NULL},
};

#define KEYAPI_MORE_ENDPOINTS \
	{ \
		.path = "odd/things", \
		.page_param = "pageNo", \
		.page_size_param = "per", \
		.max_page_size = 7, \
		.credits = 3, \
		.envelope = &odd_envelope, \
		.array = KEYAPI_TEXTS("things", "objects"), \
		.id_field = "key.id", \
		.typical_rows = 30, \
		.schema = "odd", \
		.table = "odd_things", \
		.item = "thing", \
		.items = "things", \
		KEYAPI_PARAMS(things_params), \
		KEYAPI_COLUMNS(things_columns), \
	}, \
	{ \
		.path = "odd/bare", \
		.page_param = "p", \
		.page_size_param = "s", \
		.max_page_size = 10, \
		.credits = 1, \
		.envelope = &bare_envelope, \
		.array = KEYAPI_TEXTS("lines"), \
		.typical_rows = 10, \
		.schema = "odd", \
		.table = "odd_bare", \
		.item = "line", \
		.items = "lines", \
		KEYAPI_COLUMNS(bare_columns), \
	},

#include "../../src/api/endpoint.c"
