/*-------------------------------------------------------------------------
 *
 * option.h
 *	  Options of servers, user mappings, foreign tables and columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_OPTION_H
#define KEYAPI_OPTION_H

#include "compat.h"

#include "access/attnum.h"

#include "api/endpoint.h"

typedef struct KeyapiServerOptions
{
	char	   *base_url;		/* without a trailing slash */
	char	   *ca_file;		/* or NULL */
	char	   *proxy;			/* or NULL */
	int			connect_timeout_ms; /* ms */
	int			request_timeout_ms; /* ms */
	int			max_retries;	/* of one page */
	int			max_retry_wait_ms;	/* ms; longer pauses are not waited for */
	int			max_concurrency;	/* requests in flight for one scan */
	double		requests_per_second;	/* 0: any number */
	int			max_credits;	/* per statement; -1: not set */
	int			credits_per_day;	/* -1: not set */
	int			cache_ttl_ms;	/* ms; 0: lists are not cached */
	int			stale_if_error_ms;	/* ms; 0: an error is an error */
} KeyapiServerOptions;

/* What a parameter means that the query does not mention. */
typedef enum KeyapiDefaultKind
{
	KEYAPI_DEFAULT_VALUE,		/* this value */
	KEYAPI_DEFAULT_ALL,			/* each value of its domain */
	KEYAPI_DEFAULT_NONE			/* an error: the query must bind it */
} KeyapiDefaultKind;

typedef struct KeyapiParamOptions
{
	KeyapiDefaultKind kind;
	const char *value;			/* KEYAPI_DEFAULT_VALUE only, else NULL */
	const char *const *domain;	/* NULL-terminated; NULL: open */
} KeyapiParamOptions;

typedef struct KeyapiTableOptions
{
	const KeyapiEndpoint *endpoint;
	int			page_size;
	int			cache_ttl_ms;	/* ms; -1: as the server has it */
	KeyapiParamOptions params[KEYAPI_MAX_PARAMS];	/* by index of the
													 * endpoint's params */
} KeyapiTableOptions;

/*
 * The options of a server, of a foreign table: parsed, with defaults filled
 * in.  Palloc'd in CurrentMemoryContext.  They were validated when they were
 * set; a value that is no longer valid raises 22023.
 */
extern KeyapiServerOptions *keyapi_server_options(Oid serverid);
extern KeyapiTableOptions *keyapi_table_options(Oid relid);

/*
 * Option cache_ttl of a foreign table, or of its server.
 */
extern int	keyapi_cache_ttl(Oid relid);

/*
 * Where a column of a foreign table comes from: the column option "field", else
 * the endpoint's column of that name, else the field of the item that has that name.
 * *kind is set; *field too where kind is KEYAPI_COLUMN_FIELD (dotted path) or
 * KEYAPI_COLUMN_PARAM (name of the parameter), palloc'd or constant, else NULL.
 */
extern void keyapi_column_source(const KeyapiEndpoint *endpoint,
								 Oid relid, AttrNumber attnum,
								 KeyapiColumnKind *kind, const char **field);

#endif							/* KEYAPI_OPTION_H */
