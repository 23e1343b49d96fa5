/*-------------------------------------------------------------------------
 *
 * query.h
 *	  The parameters of one API request.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_QUERY_H
#define EMULATOR_QUERY_H

#include "data.h"

#define PAGE_LIMIT 20			/* "will be automatically handled as 20" */

/* An endpoint beside that of the videos; see endpoint.h. */
typedef struct Endpoint Endpoint;

/* Parameters that choose a list of such an endpoint */
#define QUERY_VALUES 5

typedef struct Query
{
	List		list;
	long		page;
	long		limit;			/* as asked, not clamped */
	const Endpoint *endpoint;	/* NULL: videos */
	char		values[QUERY_VALUES][65];	/* in the order of its parameters */
} Query;

/*
 * Copy the decoded value of a parameter to value, if the query has it.
 * Returns false if it is empty or does not fit in size bytes.
 */
extern bool query_text(const char *raw, const char *name, char *value,
					   size_t size);

/*
 * The same for a positive number of at most 9 digits.
 */
extern bool query_number(const char *raw, const char *name, long *number);

/*
 * Parse a raw query string (without "?", may be NULL) with the defaults and
 * domains of the API.  Returns NULL, or the message of the 400; the query
 * holds what was understood in either case.  any_value: the API knows values of
 * period and order_by that are not in its documented domains.
 */
extern const char *query_parse(const char *raw, bool any_value, Query *query);

#endif							/* EMULATOR_QUERY_H */
