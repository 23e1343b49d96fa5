/*-------------------------------------------------------------------------
 *
 * endpoint.h
 *	  The endpoints beside the one for videos, which query.c and body.c serve.
 *
 * They do less: they know the settings lietotal= and shift=, and the faults that
 * concern the status alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_ENDPOINT_H
#define EMULATOR_ENDPOINT_H

#include "buf.h"
#include "query.h"
#include "scenario.h"

/* A parameter that chooses a list */
typedef struct Param
{
	const char *name;
	const char *default_value;	/* NULL: requests must name it */
	const char *values[4];		/* all that are valid; none: any */
} Param;

/* The items that a page holds: their positions in the list, from 1. */
typedef struct PageRows
{
	long		first;
	long		count;
	bool		has_more;
	long		moved;			/* what shift= adds to the rank of an item */
} PageRows;

struct Endpoint
{
	const char *path;			/* after base_url */
	const char *page;			/* parameters: number, */
	const char *limit;			/* ... and size of the page, */
	long		max_limit;		/* ... which may be so much */
	bool		page_is_optional;	/* it is page 1 of that size, if not named */
	Param		params[QUERY_VALUES];

	/* Items of a list */
	long		(*total) (const Settings *settings, const Query *query);

	/* Append the document of a page. */
	void		(*add_page) (Buf *out, const Settings *settings,
							 const Query *query, const PageRows *rows);

	/* Append that of an error. */
	void		(*add_error) (Buf *out, long code, const char *message);
};

extern const Endpoint hashtags;
extern const Endpoint odd_things;
extern const Endpoint odd_bare;

/* The endpoint that a path ends with, or NULL. */
extern const Endpoint *endpoint_find(const char *path);

/*
 * As query_parse(), for an endpoint of this table.
 */
extern const char *endpoint_parse(const Endpoint *endpoint, const char *raw,
								  Query *query);

/* Append the document of a page of query->endpoint. */
extern void endpoint_page(Buf *out, const Settings *settings,
						  const Query *query);

/* The total that its pagination announces. */
extern long endpoint_announced_total(const Settings *settings,
									 const Query *query);

/* A number below 2^63 for the list, the same for the same values. */
extern uint64_t endpoint_list_number(const Query *query);

#endif							/* EMULATOR_ENDPOINT_H */
