/*-------------------------------------------------------------------------
 *
 * endpoint.h
 *	  The API as data: paths, prices, names, parameters and columns.
 *
 * Everything that this extension knows of the API's shape is in this table: a
 * new endpoint, parameter or column is a new entry in endpoint.c, and no other
 * source needs to know of it.  doc/adding-an-endpoint.md goes through it step by
 * step; test/unit/endpoint_test.c checks that each entry keeps to what is said
 * here.  Plain C: the decoder's tests link it without a server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ENDPOINT_H
#define KEYAPI_ENDPOINT_H

#include <stddef.h>

/* Room for the parameters of any one endpoint; KEYAPI_PARAMS checks it. */
#define KEYAPI_MAX_PARAMS 6

/*
 * Longest value of a parameter, in bytes: the API's own values are far shorter,
 * and longer ones have no rows.
 */
#define KEYAPI_MAX_PARAM_BYTES 64

/*
 * Texts, the last of which is followed by NULL.  KEYAPI_TEXTS("a", "b") makes
 * them.
 */
typedef const char *const *KeyapiTexts;

#define KEYAPI_TEXTS(...) ((const char *const[]) {__VA_ARGS__, NULL})

/*
 * What the members of a response are called.  A response has this shape:
 *
 *	{CODE, MESSAGE, REQUEST_ID,
 *	 DATA: {PAGINATION: {HAS_MORE, PAGE_SIZE, TOTAL_COUNT},
 *			ARRAY: [ITEM, ...]}}
 *
 * Each member has one or more names, the documented one first.  The first name
 * whose value is there and not null counts; messages use the documented one.
 * NULL in place of the names: the API never sends this member.
 */
typedef struct KeyapiEnvelope
{
	KeyapiTexts code;			/* integer; 0, 200 or absent: success */
	KeyapiTexts message;		/* text for people, quoted in errors */
	KeyapiTexts request_id;		/* the API's own id of the request */
	KeyapiTexts data;			/* object; never NULL here */
	KeyapiTexts pagination;		/* object */
	KeyapiTexts has_more;		/* boolean: there is a next page */
	KeyapiTexts page_size;		/* integer: the page size that was applied */
	KeyapiTexts total_count;	/* integer: items in the whole list */
} KeyapiEnvelope;

/* What the values of a parameter look like. */
typedef enum KeyapiParamType
{
	KEYAPI_PARAM_TEXT,			/* any text, compared byte by byte */
	KEYAPI_PARAM_INTEGER,		/* decimal digits */
	KEYAPI_PARAM_BOOLEAN		/* true and false; its domain is these two */
} KeyapiParamType;

/*
 * A parameter of the query string that selects a list.  The page number and the
 * page size are not among them: they select a part of a list.
 *
 * The name is also that of the column that holds the value (text or, for the
 * other types, integer or boolean) and of the table option that says what a
 * query means without a condition on that column.  So it must differ from the
 * options that all tables have (endpoint, page_size, cache_ttl).
 */
typedef struct KeyapiParam
{
	const char *name;
	KeyapiParamType type;
	const char *default_value;	/* of the table option; in the domain; never
								 * "" or NULL */
	KeyapiTexts domain;			/* all values that the API knows, in the order
								 * in which their lists are read; NULL: open,
								 * a query must name the values */
	const char *domain_option;	/* table option by which a user declares the
								 * domain, in place of the built-in one if
								 * there is one; or NULL if there is none */
	KeyapiTexts lookalikes;		/* dotted paths to fields of the item that
								 * users take for the parameter in conditions:
								 * a default list of which such a condition
								 * leaves nothing gives a warning; NULL if
								 * there are none */
} KeyapiParam;

typedef enum KeyapiColumnKind
{
	KEYAPI_COLUMN_RANK,			/* 1-based position in the list */
	KEYAPI_COLUMN_PARAM,		/* the parameter of the same name, as sent */
	KEYAPI_COLUMN_FIELD,		/* a field of the item */
	KEYAPI_COLUMN_PAGE,			/* number of the page the row came on */
	KEYAPI_COLUMN_TOTAL_COUNT,	/* what the API announces for the list */
	KEYAPI_COLUMN_REQUEST_ID,	/* the API's own id of the request */
	KEYAPI_COLUMN_FETCHED_AT	/* when the page arrived */
} KeyapiColumnKind;

/*
 * A column that IMPORT FOREIGN SCHEMA makes.  A column of another name, which a
 * user may add, reads the item's field of that name.
 */
typedef struct KeyapiColumn
{
	const char *name;
	const char *type;			/* SQL type, any that takes the field's text */
	KeyapiColumnKind kind;
	const char *field;			/* KEYAPI_COLUMN_FIELD: dotted path into the
								 * item ("country_info.id"), "" = all of it;
								 * KEYAPI_COLUMN_PARAM: the parameter's name;
								 * else NULL */
} KeyapiColumn;

typedef struct KeyapiEndpoint
{
	/* The request: base_url "/v1/" path "?" and all parameters */
	const char *path;			/* without a slash at either end */
	const char *page_param;		/* parameter that is the page number, from 1 */
	const char *page_size_param;	/* parameter that is the page size */
	int			max_page_size;	/* largest page size that is honoured */
	int			credits;		/* price of one request */

	/* The response */
	const KeyapiEnvelope *envelope;
	KeyapiTexts array;			/* names of the array of items in DATA */
	const char *id_field;		/* dotted path to what identifies an item in
								 * its list, so that an item that moved to the
								 * next page meanwhile is not read twice; NULL
								 * if there is none: every item is a row */
	const char *echo_param;		/* a parameter whose value the items carry,
								 * and */
	const char *echo_field;		/* ... the dotted path to it: a list in which
								 * no item has the value asked for gives a
								 * warning; both NULL if there is none */
	int			typical_rows;	/* items of a usual list, for estimates */

	/* The foreign table */
	const char *schema;			/* remote schema of IMPORT FOREIGN SCHEMA */
	const char *table;			/* name that IMPORT gives the table */
	const char *item;			/* what messages call an item: "video" */
	const char *items;			/* and several of them: "videos" */
	const KeyapiParam *params;	/* nparams of them; see KEYAPI_PARAMS; NULL if
								 * there are none */
	int			nparams;
	const KeyapiColumn *columns;	/* ncolumns of them, as IMPORT orders
									 * them; see KEYAPI_COLUMNS */
	int			ncolumns;
} KeyapiEndpoint;

#define KEYAPI_LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

/*
 * The members of an entry that name its parameters, its columns: an array and
 * its length.  More than KEYAPI_MAX_PARAMS parameters do not compile.
 */
#define KEYAPI_PARAMS(array) \
	.params = (array), \
	.nparams = KEYAPI_LENGTH(array) + 0 * (int) sizeof(struct { \
		_Static_assert(KEYAPI_LENGTH(array) <= KEYAPI_MAX_PARAMS, \
					   "KEYAPI_MAX_PARAMS is too small"); \
		char	unused; \
	})

#define KEYAPI_COLUMNS(array) \
	.columns = (array), .ncolumns = KEYAPI_LENGTH(array)

/*
 * All endpoints, terminated by an entry whose path is NULL.  The first is the
 * default of the table option "endpoint".
 */
extern const KeyapiEndpoint keyapi_endpoints[];

/*
 * The endpoint with this path ("tiktok/trending/videos"), or NULL.
 */
extern const KeyapiEndpoint *keyapi_endpoint_find(const char *path);

/*
 * The column of this name as IMPORT makes it, or NULL: such a column reads the
 * item's field of its own name.
 */
extern const KeyapiColumn *keyapi_endpoint_column(const KeyapiEndpoint *endpoint,
												  const char *name);

/*
 * The column that a name was probably meant to be, which no column has: the first
 * one that differs from it only in upper and lower case, or NULL.
 */
extern const KeyapiColumn *keyapi_endpoint_column_meant(const KeyapiEndpoint *endpoint,
														const char *name);

/*
 * Index into endpoint->params of the parameter of this name, or -1.
 */
extern int	keyapi_endpoint_param(const KeyapiEndpoint *endpoint,
								  const char *name);

#endif							/* KEYAPI_ENDPOINT_H */
