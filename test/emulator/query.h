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

typedef struct Query
{
	List		list;
	long		page;
	long		limit;			/* as asked, not clamped */
} Query;

/*
 * Parse a raw query string (without "?", may be NULL) with the defaults and
 * domains of the API.  Returns NULL, or the message of the 400; the query
 * holds what was understood in either case.
 */
extern const char *query_parse(const char *raw, Query *query);

#endif							/* EMULATOR_QUERY_H */
