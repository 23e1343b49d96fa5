/*-------------------------------------------------------------------------
 *
 * endpoint.h
 *	  The API as data: paths, prices, parameters and columns.
 *
 * Planner, EXPLAIN, IMPORT FOREIGN SCHEMA and decoder read this table and
 * nothing else about the API's shape, so that a new endpoint, parameter or
 * column is a new entry here.  Plain C: the decoder's tests link it without a
 * server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ENDPOINT_H
#define KEYAPI_ENDPOINT_H

/* Room for the parameters of any one endpoint; checked at compile time. */
#define KEYAPI_MAX_PARAMS 4

/*
 * Longest value of a parameter, in bytes: no region code comes near it, and
 * longer ones have no rows.
 */
#define KEYAPI_MAX_PARAM_BYTES 64

/*
 * A parameter of the query string that selects a list.  The page and limit
 * parameters are not among them: they select a part of a list.
 */
typedef struct KeyapiParam
{
	const char *name;			/* wire name, column name and table option */
	const char *type;			/* SQL type of its column: text or integer */
	const char *default_value;	/* what an unmentioned parameter means */
	const char *const *domain;	/* all values, NULL-terminated; NULL if open */
	const char *domain_option;	/* table option that declares a domain of an
								 * open parameter, or NULL */
} KeyapiParam;

typedef enum KeyapiColumnKind
{
	KEYAPI_COLUMN_RANK,			/* 1-based position in the list */
	KEYAPI_COLUMN_PARAM,		/* the parameter of the same name, as sent */
	KEYAPI_COLUMN_FIELD,		/* a field of the video object */
	KEYAPI_COLUMN_PAGE,			/* number of the page the row came on */
	KEYAPI_COLUMN_TOTAL_COUNT,	/* what the API announces for the list */
	KEYAPI_COLUMN_REQUEST_ID,	/* the API's own id of the request */
	KEYAPI_COLUMN_FETCHED_AT	/* when the page arrived */
} KeyapiColumnKind;

typedef struct KeyapiColumn
{
	const char *name;
	const char *type;			/* SQL type that IMPORT FOREIGN SCHEMA gives */
	KeyapiColumnKind kind;
	const char *field;			/* KEYAPI_COLUMN_FIELD: dotted path into the
								 * video object, "" = the whole object;
								 * KEYAPI_COLUMN_PARAM: the parameter's name;
								 * else NULL */
} KeyapiColumn;

typedef struct KeyapiEndpoint
{
	const char *path;			/* below base_url "/v1/" */
	const char *schema;			/* remote schema of IMPORT FOREIGN SCHEMA */
	const char *table;			/* name that IMPORT gives the foreign table */
	int			credits;		/* price of one request */
	int			max_page_size;	/* largest value of limit that is honoured */
	int			typical_rows;	/* rows of a list, for estimates */
	const char *id_field;		/* field that identifies a row in a list */
	const char *echo_param;		/* parameter that a row echoes, */
	const char *echo_field;		/* ... and the field it echoes it in */
	const KeyapiParam *params;
	int			nparams;
	const KeyapiColumn *columns;
	int			ncolumns;
} KeyapiEndpoint;

/* All endpoints, terminated by an entry whose path is NULL. */
extern const KeyapiEndpoint keyapi_endpoints[];

/*
 * The endpoint with this path ("tiktok/trending/videos"), or NULL.
 */
extern const KeyapiEndpoint *keyapi_endpoint_find(const char *path);

/*
 * The column of this name as IMPORT makes it, or NULL: such a column reads the
 * video field of its own name.
 */
extern const KeyapiColumn *keyapi_endpoint_column(const KeyapiEndpoint *endpoint,
												  const char *name);

/*
 * Index into endpoint->params of the parameter of this name, or -1.
 */
extern int	keyapi_endpoint_param(const KeyapiEndpoint *endpoint,
								  const char *name);

#endif							/* KEYAPI_ENDPOINT_H */
