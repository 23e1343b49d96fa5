/*-------------------------------------------------------------------------
 *
 * pages_internal.h
 *	  What the files of the pages room share: pages.c (reading) and
 *	  read_ahead.c (what will be read).
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PAGES_INTERNAL_H
#define KEYAPI_PAGES_INTERNAL_H

#include "scan/pages.h"

/*
 * How many unwanted pages in a row are skipped unseen: four times the pages of
 * the longest list that the API is known to have.  Then the next one is asked
 * for, which finds the end, whatever was announced.
 */
#define MAX_BLIND_SKIPS 100

/* More pages than are ever asked for ahead. */
#define MAX_RAMP 1024

/* Reading position in one list. */
typedef struct ListCursor
{
	KeyapiListingPages *state;
	int			number;			/* index in the pass */
	int64		next_rank;
	KeyapiPage *page;			/* that holds next_rank, or NULL */
} ListCursor;

struct KeyapiPages
{
	MemoryContext context;
	KeyapiFetcher *fetcher;
	struct listtable_hash *lists;
	KeyapiBill	bill;
	int64		rows_uncounted; /* returned, not in keyapi_fdw_stats yet */
	int			ramp;			/* bound of the pages asked for at a time,
								 * doubled by each one read: 1, 2, 4, ... */

	/* the current pass */
	KeyapiBound pass;
	KeyapiDemand demand;		/* as of the current row */
	int64		pass_number;
	MemoryContext pass_context;
	ListCursor *cursors;
	int			current;		/* cursor to read next */
	int64		rank;			/* rank_major: the rank of this round */
	bool		round_had_row;	/* ... and whether a list had it */
	int64		rows_left;		/* of pass.max_rows; -1: no such bound */
	bool		price_checked;	/* the budget suffices, or that is not known */
};

/*
 * Whether the pass may want a row of the page with this number, by the page
 * size of the moment.
 */
extern bool keyapi_pages_wants(const KeyapiPages *pages,
							   const ListCursor *cursor, int number);

/*
 * Ask for the pages that will be needed next.
 */
extern void keyapi_pages_look_ahead(KeyapiPages *pages);

/*
 * Before the first request of a pass that will be read to its end: raise 54000
 * if the statement may not spend as much as that can cost.
 */
extern void keyapi_pages_check_price(KeyapiPages *pages);

#endif							/* KEYAPI_PAGES_INTERNAL_H */
