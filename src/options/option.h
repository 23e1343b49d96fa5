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
#include "options/option_value.h"

typedef struct KeyapiServerOptions
{
	char	   *name;			/* of the server */
	char	   *base_url;		/* without a trailing slash */
	char	   *ca_file;		/* or NULL */
	char	   *proxy;			/* or NULL */
	int			connect_timeout_ms;
	int			request_timeout_ms;
	int			max_retries;	/* of one page */
	int			max_retry_wait_ms;	/* longer pauses are not waited for */
	int			max_concurrency;	/* requests in flight for one scan */
	double		requests_per_second;	/* 0: any number */
	int			max_credits;	/* per statement; -1: not set */
	int			credits_per_day;	/* -1: not set */
	int			cache_ttl_ms;	/* 0: lists are not cached */
	int			stale_if_error_ms;	/* 0: an error is an error */
	bool		http_cache;		/* base_url is a cache in front of the API */
} KeyapiServerOptions;

typedef struct KeyapiTableOptions
{
	const KeyapiEndpoint *endpoint;
	int			page_size;
	int			cache_ttl_ms;	/* -1: as the server has it */
	KeyapiParamOptions params[KEYAPI_MAX_PARAMS];	/* by index of the
													 * endpoint's params */
} KeyapiTableOptions;

/*
 * The options of a server or of a foreign table: parsed, with defaults filled
 * in, palloc'd in CurrentMemoryContext.  They were validated when they were
 * set, but another release of this extension may have done that: a value that
 * is no longer valid raises 22023.
 */
extern KeyapiServerOptions *keyapi_server_options(Oid serverid);
extern KeyapiTableOptions *keyapi_table_options(Oid relid);

/*
 * The age in ms up to which a foreign table's lists are served from the cache:
 * its option cache_ttl, or that of its server.  0: lists are not cached.
 */
extern int	keyapi_cache_ttl(const KeyapiTableOptions *table,
							 const KeyapiServerOptions *server);

/*
 * The option "field" of a foreign table's column, palloc'd; NULL if it is not set.
 */
extern const char *keyapi_column_field(Oid relid, AttrNumber attnum);

#endif							/* KEYAPI_OPTION_H */
