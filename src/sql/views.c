/*-------------------------------------------------------------------------
 *
 * views.c
 *	  The SQL functions behind keyapi_fdw_stats, keyapi_fdw_cache,
 *	  keyapi_fdw_progress and keyapi_fdw_accounts, and those that reset and
 *	  clear.
 *
 * A role sees what it caused, as itself or as a role whose privileges it has.
 * Members of pg_read_all_stats see everything.  (Accounts belong to no role; the
 * script lets only pg_read_all_stats call that function.)
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "shared/account.h"
#include "shared/cache.h"
#include "shared/progress.h"
#include "shared/stats.h"

/* Most columns that a view has. */
#define MAX_COLUMNS 20

extern PGDLLEXPORT Datum keyapi_fdw_stats(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum keyapi_fdw_stats_reset(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum keyapi_fdw_cache(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum keyapi_fdw_cache_clear(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum keyapi_fdw_progress(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum keyapi_fdw_accounts(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(keyapi_fdw_stats);
PG_FUNCTION_INFO_V1(keyapi_fdw_stats_reset);
PG_FUNCTION_INFO_V1(keyapi_fdw_cache);
PG_FUNCTION_INFO_V1(keyapi_fdw_cache_clear);
PG_FUNCTION_INFO_V1(keyapi_fdw_progress);
PG_FUNCTION_INFO_V1(keyapi_fdw_accounts);

/* ---------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------
 */

/* A row that is filled column by column. */
typedef struct Row
{
	int			n;
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS];
} Row;

static void
add(Row *row, Datum value)
{
	row->values[row->n] = value;
	row->nulls[row->n++] = false;
}

static void
add_null(Row *row)
{
	row->values[row->n] = (Datum) 0;
	row->nulls[row->n++] = true;
}

static void
add_text(Row *row, const char *text)
{
	if (text == NULL)
		add_null(row);
	else
		add(row, CStringGetTextDatum(text));
}

static void
add_count(Row *row, int64 count)
{
	if (count < 0)
		add_null(row);
	else
		add(row, Int64GetDatum(count));
}

static void
add_time(Row *row, TimestampTz time)
{
	if (time == 0)
		add_null(row);
	else
		add(row, TimestampTzGetDatum(time));
}

static void
emit(FunctionCallInfo fcinfo, Row *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc,
						 row->values, row->nulls);
}

static bool
may_see(Oid role)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), role);
}

/* ---------------------------------------------------------------------
 * Statistics
 * ---------------------------------------------------------------------
 */

Datum
keyapi_fdw_stats(PG_FUNCTION_ARGS)
{
	int			n;
	KeyapiStats *list = keyapi_stats_list(&n);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
	{
		const KeyapiStats *stats = &list[i];
		ForeignServer *server = GetForeignServerExtended(stats->server,
														 FSV_MISSING_OK);
		Row			row = {0};

		if (!may_see(stats->role))
			continue;
		/* both are NULL where others had to make way */
		add_text(&row, server == NULL ? NULL : server->servername);
		add_text(&row, GetUserNameFromId(stats->role, true));
		for (int c = 0; c < KEYAPI_NUM_COUNTERS; c++)
			add_count(&row, stats->counts[c]);
		add(&row, Float8GetDatum(stats->http_time_ms));
		add_text(&row, stats->last_error_at == 0 ? NULL : stats->last_error);
		add_time(&row, stats->last_error_at);
		add_time(&row, stats->stats_reset);
		emit(fcinfo, &row);
	}
	return (Datum) 0;
}

Datum
keyapi_fdw_stats_reset(PG_FUNCTION_ARGS)
{
	keyapi_stats_reset();
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------------
 * Cache
 * ---------------------------------------------------------------------
 */

/*
 * Whether this database can show a key's values.  They are in UTF-8, and may be
 * another database's, whose encoding has more characters than this one's.
 */
static bool
can_show(const KeyapiCacheKey *key)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		return true;
	for (Size i = 0; i < key->len; i++)
	{
		if (IS_HIGHBIT_SET(key->texts[i]))
			return false;
	}
	return true;
}

/*
 * Whether a value of a parameter is itself JSON: an integer, true or false.
 */
static bool
is_json(const char *value)
{
	const char *digits = value + (value[0] == '-');
	size_t		len = strspn(digits, "0123456789");

	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		return true;
	return len > 0 && digits[len] == '\0' && (len == 1 || digits[0] != '0');
}

/*
 * Add the parameters of a list as an object of JSON: {"region": "US", "period":
 * 7}.  What has no type text in the endpoint's table is no string here either.
 */
static void
add_params(Row *row, const KeyapiCacheKey *key)
{
	const KeyapiEndpoint *endpoint =
	keyapi_endpoint_find(keyapi_cache_key_path(key));
	StringInfoData json;

	/* a newer release of the library may have cached what this does not know */
	if (endpoint == NULL || !can_show(key))
	{
		add_null(row);
		return;
	}
	initStringInfo(&json);
	for (int i = 0; i < endpoint->nparams; i++)
	{
		const KeyapiParam *param = &endpoint->params[i];
		const char *value = keyapi_cache_key_value(key, i);

		appendStringInfoString(&json, i == 0 ? "{" : ", ");
		escape_json(&json, param->name);
		appendStringInfoString(&json, ": ");
		if (param->type != KEYAPI_PARAM_TEXT && is_json(value))
			appendStringInfoString(&json, value);
		else
			escape_json(&json, value);
	}
	appendStringInfoString(&json, endpoint->nparams == 0 ? "{}" : "}");
	add(row, DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

Datum
keyapi_fdw_cache(PG_FUNCTION_ARGS)
{
	int			n;
	KeyapiCachedListingInfo *list = keyapi_cache_list(&n);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
	{
		const KeyapiCachedListingInfo *info = &list[i];
		Row			row = {0};

		if (info->fetched_at == 0 || !may_see(info->role))
			continue;
		add_text(&row, keyapi_cache_key_path(&info->key));
		add_params(&row, &info->key);
		add(&row, Int32GetDatum(info->key.page_size));
		add(&row, Int32GetDatum(info->pages));
		if (info->total_pages == 0)
			add_null(&row);
		else
			add(&row, Int32GetDatum(info->total_pages));
		add_count(&row, info->rows);
		add_count(&row, info->bytes);
		add_time(&row, info->fetched_at);
		add_time(&row, info->expires_at);
		emit(fcinfo, &row);
	}
	return (Datum) 0;
}

Datum
keyapi_fdw_cache_clear(PG_FUNCTION_ARGS)
{
	keyapi_cache_clear();
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------------
 * Progress
 * ---------------------------------------------------------------------
 */

Datum
keyapi_fdw_progress(PG_FUNCTION_ARGS)
{
	int			n;
	KeyapiProgressInfo *list = keyapi_progress_list(&n);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
	{
		const KeyapiProgressInfo *info = &list[i];
		const KeyapiProgress *progress = &info->progress;
		Row			row = {0};

		if (!may_see(info->role))
			continue;
		add(&row, Int32GetDatum(info->pid));
		add(&row, ObjectIdGetDatum(info->relid));
		add_count(&row, progress->lists_done);
		add_count(&row, progress->lists_total);
		add_count(&row, progress->pages_done);
		add_count(&row, progress->pages_total);
		add_count(&row, progress->credits);
		add_text(&row, keyapi_wait_name(progress->waiting_for));
		emit(fcinfo, &row);
	}
	return (Datum) 0;
}

/* ---------------------------------------------------------------------
 * Accounts
 * ---------------------------------------------------------------------
 */

/* How many bytes of an account's hash tell it from others well enough. */
#define SHOWN_DIGEST_BYTES 4

static void
add_account_name(Row *row, const KeyapiAccountId *id)
{
	StringInfoData name;

	initStringInfo(&name);
	for (int i = 0; i < SHOWN_DIGEST_BYTES; i++)
		appendStringInfo(&name, "%02x", id->digest[i]);
	add_text(row, name.data);
}

/*
 * Add until when the gate is closed, and because of what.
 */
static void
add_pause(Row *row, const KeyapiGate *gate, int64 now_us)
{
	int64		until_us;
	KeyapiPause pause = keyapi_gate_paused(gate, now_us, &until_us);

	if (pause == KEYAPI_PAUSE_NONE)
	{
		add_null(row);
		add_null(row);
		return;
	}
	add_time(row, GetCurrentTimestamp() + (until_us - now_us));
	add_text(row, keyapi_pause_name(pause));
}

static void
add_rate(Row *row, double rate)
{
	if (rate <= 0)
		add_null(row);
	else
		add(row, Float8GetDatum(rate));
}

Datum
keyapi_fdw_accounts(PG_FUNCTION_ARGS)
{
	int			n;
	KeyapiAccountInfo *list = keyapi_account_list(&n);
	int64		now_us = keyapi_gate_clock();

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < n; i++)
	{
		const KeyapiAccountInfo *info = &list[i];
		Row			row = {0};

		add_account_name(&row, &info->id);
		add_text(&row, info->endpoint[0] == '\0' ? NULL : info->endpoint);
		add_pause(&row, &info->gate, now_us);
		add_rate(&row, keyapi_gate_rate(&info->gate, now_us));
		add_count(&row, info->credits_today);
		add_count(&row, info->requests_today);
		add_time(&row, info->last_used);
		emit(fcinfo, &row);
	}
	return (Datum) 0;
}
