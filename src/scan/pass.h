/*-------------------------------------------------------------------------
 *
 * pass.h
 *	  Which rows of which lists a pass of a scan may read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PASS_H
#define KEYAPI_PASS_H

#include "compat.h"

#include "api/listing.h"

/*
 * Which rows a pass may read.  lists is kept by the caller until the next
 * pass; the lists are distinct.
 */
typedef struct KeyapiPass
{
	const KeyapiListing *lists;
	int			nlists;
	bool		rank_major;		/* row 1 of each list, then row 2, ...;
								 * otherwise list after list */
	int64		lo;				/* ranks lo..hi only, 1 <= lo; */
	int64		hi;				/* ... PG_INT64_MAX: to the end */
	int			last_page;		/* pages up to this one only; INT_MAX: to the
								 * end */
	int64		max_rows;		/* not more than these are asked for; -1: any
								 * number may be */

	/*
	 * Whether a row of lists[list] on this page, with a rank in first..last,
	 * may be wanted; a page without any is never asked for.  NULL: all are.
	 */
	bool		(*wanted) (void *arg, int list, int page,
						   int64 first, int64 last);
	void	   *arg;
} KeyapiPass;

#endif							/* KEYAPI_PASS_H */
