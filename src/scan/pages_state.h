/*-------------------------------------------------------------------------
 *
 * pages_state.h
 *	  What a page iterator has in memory: the pass, and where it is in each of
 *	  its lists.  No functions.
 *
 * pages.c makes it and moves it; read_ahead.c looks at it.  Others see pages.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PAGES_STATE_H
#define KEYAPI_PAGES_STATE_H

#include "compat.h"

#include "bind/binding.h"
#include "fetch/fetcher.h"
#include "fetch/listing_pages.h"
#include "scan/demand.h"

/* Reading position in one list. */
typedef struct KeyapiListCursor
{
	KeyapiListingPages *listing_pages;
	int			number;			/* of the list in the pass, from 0 */
	KeyapiPage *page;			/* that is being read, or NULL */
	int			index;			/* of its next row, from 0 */
	int			next_page;		/* number of the first page not read yet */
	bool		done;			/* nothing follows in this pass */

	/* kept by pages_report.c */
	int			wanted_pages;	/* that the pass will read ... */
	int			counted_to;		/* ... up to this one ... */
	int			counted_size;	/* ... if pages are so large; 0: not counted */
} KeyapiListCursor;

typedef struct KeyapiPages
{
	MemoryContext context;
	KeyapiFetcher *fetcher;
	struct listtable_hash *lists;	/* all that were met, in any pass */
	bool		read_once;		/* what was passed is not needed again */
	int64		duplicates;		/* rows dropped: their id came before */
	int64		rows_uncounted; /* returned, not in keyapi_fdw_stats yet */
	int			ramp;			/* bound of the pages asked for at a time,
								 * doubled by each one read: 1, 2, 4, ... */

	/* the current pass */
	KeyapiBound pass;
	bool		later_sure;		/* what was asked for ahead of later passes is
								 * still wanted when a pass begins */
	void		(*look_beyond) (void *arg, int window); /* or NULL */
	void	   *beyond_arg;		/* its argument */
	KeyapiDemand demand;		/* as of the current row */
	int64		rows_asked;		/* ... and its rows, or -1 */
	int64		pass_number;
	MemoryContext pass_context;
	KeyapiListCursor *cursors;	/* one for each list of the pass; NULL: before
								 * its first row */
	int			current;		/* cursor to read next */
	int64		rank;			/* rank_major: the rank of this round */
	bool		round_had_row;	/* ... and whether a list had it */
	int64		rows_left;		/* of pass.max_rows; -1: no such bound */
	int			unreported;		/* pages until pages_report.c looks at all
								 * lists again */
	bool		price_checked;	/* the budget suffices, or that is not known */
} KeyapiPages;

#endif							/* KEYAPI_PAGES_STATE_H */
