/*-------------------------------------------------------------------------
 *
 * pages.h
 *	  Page iterator: the rows of a set of lists, page by page, each page paid
 *	  for once.
 *
 * Which lists these are: bind/.  How a page is got: fetch/.  How a row becomes a
 * tuple: tuple.c.  Which pages are asked for before they are needed:
 * read_ahead.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PAGES_H
#define KEYAPI_PAGES_H

#include "compat.h"

#include "bind/binding.h"
#include "fetch/fetcher.h"
#include "fetch/listing_pages.h"
#include "scan/demand.h"

/* One row, pointing into what the iterator keeps for its whole life. */
typedef struct KeyapiRow
{
	const KeyapiListing *list;
	const KeyapiPage *page;
	int			index;			/* on the page, from 0 */
	int64		rank;
} KeyapiRow;

/* What a scan cost, as totals over all passes. */
typedef struct KeyapiBill
{
	KeyapiCost	cost;
	int64		lists;			/* lists of which a page was read */
	int64		unread_pages;	/* paid for, but never read */
	int64		duplicates;		/* rows dropped: their id came before */
	int64		spilled_pages;	/* that have been in a temporary file */
} KeyapiBill;

typedef struct KeyapiPages KeyapiPages;

/*
 * An iterator in CurrentMemoryContext, which must outlive it: pages stay in
 * memory until that context goes.  Before the first page is needed nothing is
 * sent, and the user's key on the table's server is not read.  options are the
 * table's, kept by the caller.
 */
extern KeyapiPages *keyapi_pages_create(Oid relid, Oid userid,
										const KeyapiTableOptions *options);

/*
 * What to call when the pass is read to its end, all of its pages have been asked
 * for as far as they are sure, and there is room for window pages more: it may ask
 * for those that will surely be needed after the pass.
 */
extern void keyapi_pages_set_beyond(KeyapiPages *pages,
									void (*look_beyond) (void *arg, int window),
									void *arg);

/*
 * Whether both use the same server with the same key, in the same query.
 */
extern bool keyapi_pages_same_account(const KeyapiPages *pages,
									  const KeyapiPages *other);

/*
 * Ask for up to window pages of a pass that has begun and will be read to its end
 * later, while another iterator waits for its pages.  Returns what is left of the
 * window.  Raises what the user's credentials raise.
 */
extern int	keyapi_pages_ask_for_other(KeyapiPages *pages, int window);

/*
 * A pass that the same scan will begin later and read to its end, in
 * CurrentMemoryContext: only to ask for its pages (keyapi_pages_ask_later).  What the
 * bound points to is kept by the caller as long.
 */
extern KeyapiPages *keyapi_pages_later(KeyapiPages *pages, const KeyapiBound *bound);

/*
 * Whether pages of later passes will surely be needed, so that the beginning of a
 * pass does not forget that they were asked for.  At first they will not.
 */
extern void keyapi_pages_expect_later(KeyapiPages *pages, bool expect);

/*
 * Begin a pass over the rows that the bound says: the first, a rescan, or other
 * lists.  What the bound points to is kept by the caller until the next pass.
 * Pages that earlier passes read are not asked for again.
 */
extern void keyapi_pages_rewind(KeyapiPages *pages, const KeyapiBound *bound);

/*
 * Whether the pass of the moment is the only one, and no other scan reads its lists:
 * then those that it has passed are not kept.  At first that is not so.
 */
extern void keyapi_pages_read_once(KeyapiPages *pages, bool once);

/*
 * The next row of the pass, or false at its end.  In a list ranks ascend and
 * no id comes twice.  Raises the errors of failure.h for a page that the row needs,
 * what the user's credentials raise (api_key.h), 54000 if the statement may not
 * spend enough, and what interrupts raise.  rows: see keyapi_demand_now.
 */
extern bool keyapi_pages_next(KeyapiPages *pages, KeyapiDemand demand,
							  int64 rows, KeyapiRow *row);

/*
 * For ANALYZE, without a pass: whether the statement may spend what the first
 * pages of these lists cost, else 54000; and the first page of one.
 */
extern void keyapi_pages_check_first_pages(KeyapiPages *pages,
										   const KeyapiListing *lists,
										   int nlists);
extern const KeyapiPage *keyapi_pages_first_page(KeyapiPages *pages,
												 const KeyapiListing *list);

/*
 * The end of the scan as seen by the user: a WARNING if the API seems to have
 * answered another list than the one asked for.
 */
extern void keyapi_pages_finish(KeyapiPages *pages);

/*
 * What the iterator has cost so far, palloc'd.
 */
extern KeyapiBill *keyapi_pages_bill(KeyapiPages *pages);

#endif							/* KEYAPI_PAGES_H */
