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

/* Endpoints that no real API has; see odd.h. */
typedef enum OddKind
{
	ODD_NONE,
	ODD_THINGS,
	ODD_BARE
} OddKind;

#define ODD_PARAMS 5

typedef struct Query
{
	List		list;
	long		page;
	long		limit;			/* as asked, not clamped */
	OddKind		odd;
	char		odd_values[ODD_PARAMS][32]; /* of ODD_THINGS, in odd.c's order */
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
