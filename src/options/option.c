/*-------------------------------------------------------------------------
 *
 * option.c
 *	  One table of options: names, owners, defaults and rules; the validator
 *	  and the readers work from it.  What a value may be is in option_value.c.
 *
 * The options that choose lists (of the first endpoint: region, period, order_by
 * and their domains regions, periods, order_bys) are the parameters of the endpoint
 * table.  They are not repeated here.
 *
 *-------------------------------------------------------------------------
 */
#include "options/option.h"

#include <limits.h>

#include "access/reloptions.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "http/url_check.h"
#include "options/api_key.h"
#include "options/option_value.h"

/* Farthest misspelling of an option that is still worth a suggestion. */
#define MAX_TYPO_DISTANCE 4

typedef enum OptionType
{
	OPTION_ENDPOINT,
	OPTION_URL,
	OPTION_PROXY,
	OPTION_FILE,
	OPTION_SECRET,
	OPTION_DURATION,
	OPTION_INTEGER,
	OPTION_REAL,
	OPTION_BOOLEAN,
	OPTION_PAGE_SIZE,
	OPTION_FIELD
} OptionType;

typedef struct OptionDef
{
	const char *name;
	Oid			catalog;		/* what the option belongs to */
	bool		superuser_only;
	OptionType	type;
	const char *default_value;	/* or NULL */
	size_t		offset;			/* server options: into KeyapiServerOptions */
	int			min;			/* of numbers, and of durations in ms */
	int			max;
} OptionDef;

#define SERVER_FIELD(field) offsetof(KeyapiServerOptions, field)

static const OptionDef options[] = {
	{"base_url", ForeignServerRelationId, true, OPTION_URL,
	"https://api.keyapi.ai", SERVER_FIELD(base_url)},
	{"ca_file", ForeignServerRelationId, true, OPTION_FILE,
	NULL, SERVER_FIELD(ca_file)},
	{"proxy", ForeignServerRelationId, true, OPTION_PROXY,
	NULL, SERVER_FIELD(proxy)},
	{"connect_timeout", ForeignServerRelationId, false, OPTION_DURATION,
	"10s", SERVER_FIELD(connect_timeout_ms), 1, INT_MAX},
	{"request_timeout", ForeignServerRelationId, false, OPTION_DURATION,
	"30s", SERVER_FIELD(request_timeout_ms), 1, INT_MAX},
	{"max_retries", ForeignServerRelationId, false, OPTION_INTEGER,
	"5", SERVER_FIELD(max_retries), 0, 100},
	{"max_retry_wait", ForeignServerRelationId, false, OPTION_DURATION,
	"60s", SERVER_FIELD(max_retry_wait_ms), 0, INT_MAX},
	{"max_concurrency", ForeignServerRelationId, false, OPTION_INTEGER,
	"4", SERVER_FIELD(max_concurrency), 1, 32},
	{"requests_per_second", ForeignServerRelationId, false, OPTION_REAL,
	"0", SERVER_FIELD(requests_per_second), 0, 100000},
	{"max_credits", ForeignServerRelationId, false, OPTION_INTEGER,
	NULL, SERVER_FIELD(max_credits), 0, INT_MAX},
	{"credits_per_day", ForeignServerRelationId, false, OPTION_INTEGER,
	NULL, SERVER_FIELD(credits_per_day), 0, INT_MAX},
	{"cache_ttl", ForeignServerRelationId, false, OPTION_DURATION,
	"15min", SERVER_FIELD(cache_ttl_ms), 0, INT_MAX},
	{"stale_if_error", ForeignServerRelationId, false, OPTION_DURATION,
	"0", SERVER_FIELD(stale_if_error_ms), 0, INT_MAX},
	{"http_cache", ForeignServerRelationId, false, OPTION_BOOLEAN,
	"off", SERVER_FIELD(http_cache)},
	{"api_key", UserMappingRelationId, false, OPTION_SECRET},
	{"api_key_file", UserMappingRelationId, true, OPTION_FILE},
	{"endpoint", ForeignTableRelationId, false, OPTION_ENDPOINT},
	{"page_size", ForeignTableRelationId, false, OPTION_PAGE_SIZE},
	{"cache_ttl", ForeignTableRelationId, false, OPTION_DURATION,
	NULL, 0, 0, INT_MAX},
	{"field", AttributeRelationId, false, OPTION_FIELD},
};

/* What the catalogs that can hold options are called in messages. */
static const struct
{
	Oid			catalog;
	const char *name;
}			option_owners[] = {
	{ForeignServerRelationId, "a server"},
	{UserMappingRelationId, "a user mapping"},
	{ForeignTableRelationId, "a foreign table"},
	{AttributeRelationId, "a column of a foreign table"},
};

extern PGDLLEXPORT Datum keyapi_fdw_validator(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(keyapi_fdw_validator);

/* ---------------------------------------------------------------------
 * Names
 * ---------------------------------------------------------------------
 */

static const OptionDef *
find_option(const char *name, Oid catalog)
{
	for (int i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog && strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

static const char *
find_value(List *deflist, const char *name)
{
	ListCell   *lc;

	foreach(lc, deflist)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

/*
 * All names that are valid for the catalog, the endpoint's parameters included.
 */
static List *
option_names(Oid catalog, const KeyapiEndpoint *endpoint)
{
	List	   *names = NIL;

	for (int i = 0; i < lengthof(options); i++)
	{
		if (options[i].catalog == catalog)
			names = lappend(names, unconstify(char *, options[i].name));
	}
	if (catalog != ForeignTableRelationId)
		return names;
	for (int i = 0; i < endpoint->nparams; i++)
	{
		const KeyapiParam *param = &endpoint->params[i];

		names = lappend(names, unconstify(char *, param->name));
		if (param->domain_option != NULL)
			names = lappend(names, unconstify(char *, param->domain_option));
	}
	return names;
}

static bool
is_option_name(const char *name, Oid catalog, const KeyapiEndpoint *endpoint)
{
	ListCell   *lc;

	foreach(lc, option_names(catalog, endpoint))
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/*
 * A hint for an option that does not exist here: where it does exist, what was
 * probably meant, and what is valid.
 */
static char *
unknown_option_hint(const char *name, Oid catalog,
					const KeyapiEndpoint *endpoint)
{
	List	   *names = option_names(catalog, endpoint);
	const char *closest = NULL;
	int			closest_distance = MAX_TYPO_DISTANCE + 1;
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	for (int i = 0; i < lengthof(option_owners); i++)
	{
		if (option_owners[i].catalog != catalog &&
			is_option_name(name, option_owners[i].catalog, endpoint))
			appendStringInfo(&buf, "\"%s\" is an option of %s. ", name,
							 option_owners[i].name);
	}
	foreach(lc, names)
	{
		const char *candidate = lfirst(lc);
		int			distance;

		/* the function refuses longer strings with an error */
		if (strlen(name) > NAMEDATALEN)
			break;
		distance = varstr_levenshtein_less_equal(name, strlen(name),
												 candidate, strlen(candidate),
												 1, 1, 1,
												 MAX_TYPO_DISTANCE, true);
		if (distance < closest_distance && distance <= strlen(name) / 2)
		{
			closest = candidate;
			closest_distance = distance;
		}
	}
	if (closest != NULL)
		appendStringInfo(&buf, "Perhaps you meant \"%s\". ", closest);
	appendStringInfoString(&buf, names == NIL ?
						   "There are no valid options in this context" :
						   "Valid options in this context are: ");
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", foreach_current_index(lc) == 0 ? "" : ", ",
						 (const char *) lfirst(lc));
	appendStringInfoChar(&buf, '.');
	return buf.data;
}

/* ---------------------------------------------------------------------
 * Validation
 * ---------------------------------------------------------------------
 */

static const KeyapiEndpoint *
endpoint_value(List *deflist)
{
	const char *path = find_value(deflist, "endpoint");
	const KeyapiEndpoint *endpoint;

	if (path == NULL)
		return keyapi_endpoints;
	endpoint = keyapi_endpoint_find(path);
	if (endpoint == NULL)
	{
		StringInfoData known;

		initStringInfo(&known);
		for (const KeyapiEndpoint *e = keyapi_endpoints; e->path != NULL; e++)
			appendStringInfo(&known, "%s%s", e == keyapi_endpoints ? "" : ", ",
							 e->path);
		keyapi_option_bad("endpoint", path,
						  psprintf("Known endpoints are: %s.", known.data));
	}
	return endpoint;
}

/*
 * Raise an error about an option whose value no message may show.
 */
pg_noreturn static void
bad_secret(const char *name, const char *rule)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\"", name),
			 errdetail("%s", rule)));
}

static void
check_value(const OptionDef *option, const char *value)
{
	const char *rule = NULL;

	switch (option->type)
	{
		case OPTION_URL:
			rule = keyapi_base_url_problem(value);
			break;
		case OPTION_PROXY:
			rule = keyapi_proxy_problem(value);
			break;
		case OPTION_FILE:
			if (!is_absolute_path(value))
				rule = "It must be an absolute path.";
			break;
		case OPTION_SECRET:
			rule = keyapi_api_key_problem(value);
			break;
		case OPTION_DURATION:
			(void) keyapi_option_duration(option->name, value, option->min);
			break;
		case OPTION_INTEGER:
			(void) keyapi_option_integer(option->name, value, option->min,
										 option->max);
			break;
		case OPTION_REAL:
			(void) keyapi_option_real(option->name, value, option->min,
									  option->max);
			break;
		case OPTION_BOOLEAN:
			(void) keyapi_option_boolean(option->name, value);
			break;
		case OPTION_FIELD:
			keyapi_option_check_field(value);
			break;
		case OPTION_ENDPOINT:
		case OPTION_PAGE_SIZE:
			/* checked together, in table_options */
			break;
	}
	if (rule == NULL)
		return;

	/* a proxy's URL may hold a password */
	if (option->type == OPTION_SECRET || option->type == OPTION_PROXY)
		bad_secret(option->name, rule);
	keyapi_option_bad(option->name, value, rule);
}

static void
check_proxied_url(List *deflist)
{
	const char *base_url = find_value(deflist, "base_url");
	const char *proxy = find_value(deflist, "proxy");
	const char *rule;

	if (base_url == NULL || proxy == NULL)
		return;
	rule = keyapi_proxied_url_problem(base_url, proxy);
	if (rule != NULL)
		bad_secret("proxy", rule);
}

static KeyapiTableOptions *
table_options(List *deflist)
{
	KeyapiTableOptions *result = palloc0(sizeof(KeyapiTableOptions));
	const KeyapiEndpoint *endpoint = endpoint_value(deflist);
	const char *page_size = find_value(deflist, "page_size");
	const char *cache_ttl = find_value(deflist, "cache_ttl");

	result->endpoint = endpoint;
	result->page_size = page_size == NULL ? endpoint->max_page_size :
		keyapi_option_integer("page_size", page_size, 1,
							  endpoint->max_page_size);
	result->cache_ttl_ms = cache_ttl == NULL ? -1 :
		keyapi_option_duration("cache_ttl", cache_ttl, 0);
	for (int i = 0; i < endpoint->nparams; i++)
	{
		const KeyapiParam *param = &endpoint->params[i];

		result->params[i] =
			keyapi_option_param(param, find_value(deflist, param->name),
								param->domain_option == NULL ? NULL :
								find_value(deflist, param->domain_option));
	}
	return result;
}

/*
 * Validator: called with the merged list of options, so also for options
 * that the statement at hand leaves as they were.
 */
Datum
keyapi_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *deflist = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid			catalog = PG_GETARG_OID(1);
	const KeyapiEndpoint *endpoint = keyapi_endpoints;
	ListCell   *lc;

	if (catalog == ForeignTableRelationId)
		endpoint = endpoint_value(deflist);

	foreach(lc, deflist)
	{
		DefElem    *def = lfirst_node(DefElem, lc);
		const OptionDef *option = find_option(def->defname, catalog);

		if (!is_option_name(def->defname, catalog, endpoint))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", def->defname),
					 errhint("%s", unknown_option_hint(def->defname, catalog,
													   endpoint))));
		if (option == NULL)
			continue;			/* a parameter: see table_options */
		if (option->superuser_only && !superuser())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to set option \"%s\"",
							def->defname),
					 errdetail("Only a superuser may set it, or alter anything that has it set."),
					 errhint("Drop the option, or ask a superuser.")));
		check_value(option, defGetString(def));
	}

	if (catalog == ForeignServerRelationId)
		check_proxied_url(deflist);
	if (catalog == ForeignTableRelationId)
		(void) table_options(deflist);
	if (catalog == UserMappingRelationId &&
		find_value(deflist, "api_key") != NULL &&
		find_value(deflist, "api_key_file") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options \"api_key\" and \"api_key_file\" exclude each other"),
				 errhint("Drop one of them.")));
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------------
 * Readers
 * ---------------------------------------------------------------------
 */

/*
 * Store the value of a server's option, or what stands for none.
 */
static void
read_value(const OptionDef *option, const char *value, void *target)
{
	switch (option->type)
	{
		case OPTION_DURATION:
			*(int *) target = keyapi_option_duration(option->name, value,
													 option->min);
			break;
		case OPTION_INTEGER:
			*(int *) target = value == NULL ? -1 :
				keyapi_option_integer(option->name, value, option->min,
									  option->max);
			break;
		case OPTION_REAL:
			*(double *) target = keyapi_option_real(option->name, value,
													option->min, option->max);
			break;
		case OPTION_BOOLEAN:
			*(bool *) target = keyapi_option_boolean(option->name, value);
			break;
		default:
			*(char **) target = value == NULL ? NULL : pstrdup(value);
	}
}

KeyapiServerOptions *
keyapi_server_options(Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);
	List	   *deflist = server->options;
	KeyapiServerOptions *result = palloc0(sizeof(KeyapiServerOptions));
	size_t		len;

	result->name = server->servername;
	for (int i = 0; i < lengthof(options); i++)
	{
		const OptionDef *option = &options[i];
		const char *value;

		if (option->catalog != ForeignServerRelationId)
			continue;
		value = find_value(deflist, option->name);
		if (value == NULL)
			value = option->default_value;
		read_value(option, value, (char *) result + option->offset);
	}

	len = strlen(result->base_url);
	while (len > 0 && result->base_url[len - 1] == '/')
		result->base_url[--len] = '\0';
	return result;
}

int
keyapi_cache_ttl(const KeyapiTableOptions *table, const KeyapiServerOptions *server)
{
	return table->cache_ttl_ms >= 0 ? table->cache_ttl_ms : server->cache_ttl_ms;
}

KeyapiTableOptions *
keyapi_table_options(Oid relid)
{
	return table_options(GetForeignTable(relid)->options);
}

const char *
keyapi_column_field(Oid relid, AttrNumber attnum)
{
	return find_value(GetForeignColumnOptions(relid, attnum), "field");
}
