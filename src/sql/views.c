/*-------------------------------------------------------------------------
 *
 * views.c
 *	  The SQL functions behind keyapi_fdw_stats, keyapi_fdw_cache and
 *	  keyapi_fdw_progress, and those that reset and clear.
 *
 * A role sees what it caused, as itself or as a role whose privileges it has;
 * pg_read_all_stats sees everything.
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
#include "utils/timestamp.h"

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

PG_FUNCTION_INFO_V1(keyapi_fdw_stats);
PG_FUNCTION_INFO_V1(keyapi_fdw_stats_reset);
PG_FUNCTION_INFO_V1(keyapi_fdw_cache);
PG_FUNCTION_INFO_V1(keyapi_fdw_cache_clear);
PG_FUNCTION_INFO_V1(keyapi_fdw_progress);

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

static int
hex_digit(char c)
{
	return c <= '9' ? c - '0' : pg_toupper((unsigned char) c) - 'A' + 10;
}

/*
 * The value of a parameter in "endpoint?name=value&name=value", decoded; NULL
 * if it is not there.
 */
static char *
parameter_of(const char *list, const char *name)
{
	const char *p = strchr(list, '?');
	size_t		len = strlen(name);
	char	   *value;
	char	   *end;

	while (p != NULL && !(strncmp(p + 1, name, len) == 0 && p[len + 1] == '='))
		p = strchr(p + 1, '&');
	if (p == NULL)
		return NULL;
	p += len + 2;
	value = end = palloc(strlen(p) + 1);
	for (; *p != '\0' && *p != '&'; p++)
	{
		char		c = *p;

		if (c == '%' && isxdigit((unsigned char) p[1]) &&
			isxdigit((unsigned char) p[2]))
		{
			c = (char) (hex_digit(p[1]) << 4 | hex_digit(p[2]));
			p += 2;
		}
		*end++ = c;
	}
	*end = '\0';
	return value;
}

/*
 * Add a text in UTF-8.  It may be another database's, whose encoding has more
 * characters than this one's: then it is not shown.
 */
static void
add_utf8(Row *row, const char *text)
{
	bool		ascii = true;

	for (const char *p = text; p != NULL && *p; p++)
		ascii = ascii && !IS_HIGHBIT_SET(*p);
	if (text == NULL || ascii || GetDatabaseEncoding() == PG_UTF8)
		add_text(row, text);
	else
		add_null(row);
}

static void
add_integer(Row *row, const char *text)
{
	if (text == NULL)
		add_null(row);
	else
		add(row, Int32GetDatum(atoi(text)));
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
		add_text(&row, pnstrdup(info->list, strcspn(info->list, "?")));
		add_utf8(&row, parameter_of(info->list, "region"));
		add_integer(&row, parameter_of(info->list, "period"));
		add_utf8(&row, parameter_of(info->list, "order_by"));
		add_integer(&row, parameter_of(info->list, "limit"));
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
