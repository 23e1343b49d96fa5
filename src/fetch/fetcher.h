/*-------------------------------------------------------------------------
 *
 * fetcher.h
 *	  Pages of lists, from the cache or from the API: several at a time, each
 *	  paid for once and tried again where that may help.
 *
 * A page that is asked for ahead arrives in its own time, but nothing stays in
 * flight when the row is returned that was waited for.  It enters its list when
 * it is needed, and its failure is raised then and not before: nobody gets an
 * error for a page that is not read.  (The first page of a list enters it at
 * once, because it tells how long the list is.)
 *
 * This is the interface of the folder.  The parts, from below: page_request (the
 * states of a request), ledger (counts and credits), statement_lists (what the
 * statement shares), response and retry (what a response means), receive and
 * send.  Which page is needed next is decided in scan/pages.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FETCHER_H
#define KEYAPI_FETCHER_H

#include "compat.h"

#include "fetch/ledger.h"
#include "fetch/listing_pages.h"
#include "options/option.h"
#include "shared/progress.h"

typedef struct KeyapiFetcher KeyapiFetcher;

/*
 * A fetcher in CurrentMemoryContext.  The server's options and the user's key are
 * read when the first page is asked for, once.  relid is the foreign table that
 * is read, options are its own, kept by the caller; userid is whose key to use.
 */
extern KeyapiFetcher *keyapi_fetcher_create(Oid relid, Oid userid,
											const KeyapiTableOptions *options);

/*
 * Get a page of the list, waiting for it, and add it to the list.  If the list
 * is known to end before that page, it is the last one instead.
 * Raises the errors of failure.h, what the user's credentials raise (api_key.h),
 * 54000 if the budget is spent, 55000 if credits_per_day cannot be watched, and
 * what interrupts raise; the list is unchanged then.  Raises what
 * keyapi_kept_pages_trim does, too; the page is in the list then.
 */
extern KeyapiPage *keyapi_fetch_page(KeyapiFetcher *fetcher,
									 KeyapiListingPages *listing_pages,
									 int number);

/*
 * Ask for a page of the list ahead of its need, if that is not done already;
 * it is sent when max_concurrency, rate limits and budget let it.
 */
extern void keyapi_fetch_ahead(KeyapiFetcher *fetcher,
							   KeyapiListingPages *listing_pages,
							   int number);

/*
 * Let the scans of the query that use the same server with the same key send what
 * this one has asked for ahead, while they wait for pages of their own; until this
 * one itself needs a page, or takes its requests back.
 */
extern void keyapi_fetcher_lend(KeyapiFetcher *fetcher);
extern void keyapi_fetcher_take_back(KeyapiFetcher *fetcher);

/*
 * Whether both belong to the same query, and use the same server with the same key.
 */
extern bool keyapi_fetchers_are_one_group(const KeyapiFetcher *fetcher,
										  const KeyapiFetcher *other);

/*
 * Whether the page was asked for ahead.
 */
extern bool keyapi_fetch_pending(KeyapiFetcher *fetcher,
								 const KeyapiListingPages *listing_pages,
								 int number);

/*
 * Whether the page needs no further request: it was asked for ahead, or is in
 * the cache, or the list is known to end before it.
 */
extern bool keyapi_fetch_is_free(KeyapiFetcher *fetcher,
								 KeyapiListingPages *listing_pages,
								 int number);

/*
 * The same for a page of a list that the scan has not begun to read: neither the
 * scan nor the cache knows the list by this.
 */
extern bool keyapi_fetch_would_be_free(KeyapiFetcher *fetcher,
									   const KeyapiListing *listing, int number);

/*
 * A list was read to its end and no scan of the statement will read it again: do
 * not keep its pages.  If it is read again after all, then from the cache, or it is
 * paid for again.  The listing can only be counted and reported from then on.
 */
extern void keyapi_fetch_let_go(KeyapiListingPages *listing_pages);

/*
 * Forget the pages that were asked for ahead and were not sent or have failed.
 * What was sent has to be paid for, so it is kept.
 */
extern void keyapi_fetch_forget(KeyapiFetcher *fetcher);

/*
 * The same, but only for pages that are behind the end of their list: others will be
 * needed later, and their failures are kept until then.
 */
extern void keyapi_fetch_forget_ended(KeyapiFetcher *fetcher);

/*
 * How many pages have been asked for and are neither in their list nor behind its
 * end.
 */
extern int	keyapi_fetcher_num_ahead(KeyapiFetcher *fetcher);

/*
 * Whether a page has arrived for a scan of the query that uses the same server
 * with the same key, so that key and API are known to work.
 */
extern bool keyapi_fetcher_works(const KeyapiFetcher *fetcher);

/*
 * Option max_concurrency.
 */
extern int	keyapi_fetcher_concurrency(KeyapiFetcher *fetcher);

/*
 * How many requests to this endpoint may still be paid for; PG_INT64_MAX if nothing
 * limits them.
 */
extern int64 keyapi_fetcher_affords(KeyapiFetcher *fetcher,
									const KeyapiEndpoint *endpoint);

/*
 * Raise 54000 if that many more requests, which read so many lists, are more
 * than the statement may spend.
 */
extern void keyapi_fetcher_check_budget(KeyapiFetcher *fetcher,
										const KeyapiEndpoint *endpoint,
										int64 requests, int lists);

/*
 * How far the scan is, for keyapi_fdw_progress.  pages_done are those in its lists;
 * what arrives from now on, and what has arrived and is in no list yet, is added
 * here, and credits and waiting_for.
 */
extern void keyapi_fetcher_report(KeyapiFetcher *fetcher,
								  const KeyapiProgress *progress);

/*
 * The scan has returned so many rows more, for keyapi_fdw_stats.
 */
extern void keyapi_fetcher_count_rows(KeyapiFetcher *fetcher, int64 rows);

extern const KeyapiCost *keyapi_fetcher_cost(const KeyapiFetcher *fetcher);

/*
 * Pages that were sent for and have not entered their list.
 */
extern int64 keyapi_fetcher_unread(KeyapiFetcher *fetcher);

#endif							/* KEYAPI_FETCHER_H */
