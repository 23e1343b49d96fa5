/*-------------------------------------------------------------------------
 *
 * statement_lists.h
 *	  The pages that a statement has read or paid for, list by list, and what it
 *	  shares of them with other sessions.
 *
 * All scans of a statement that read a list read the same copy of it, the
 * statement's list.  So they agree, and no page is paid for twice; also where
 * lists are not cached, and whatever others do to the cache meanwhile.  A
 * statement is one message of the client.  A query that outlives its statement (a
 * cursor) keeps the lists that it began with.
 *
 * Behind a statement's list is a cached listing (shared/cache.h), if lists are
 * cached: pages come from there and go there.  Which session asks the API for a
 * page that is missing there is agreed on with the others
 * (shared/single_flight.h).  Nothing here sends anything.
 *
 * Which lists there are, and how long they live: statement_lists.c.  Their pages:
 * statement_pages.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_STATEMENT_LISTS_H
#define KEYAPI_STATEMENT_LISTS_H

#include "compat.h"

#include "fetch/list_page.h"
#include "shared/cache.h"
#include "shared/single_flight.h"

typedef struct KeyapiStatementList KeyapiStatementList;

typedef enum KeyapiPageState
{
	KEYAPI_PAGE_HERE,			/* paid for */
	KEYAPI_PAGE_YOURS,			/* the caller is to ask for it */
	KEYAPI_PAGE_AWAITED,		/* another session is asking for it */
	KEYAPI_PAGE_REFUSED			/* others have asked for it and failed, or the
								 * list is an old state that lacks it */
} KeyapiPageState;

/* What comes of looking for a page. */
typedef union KeyapiFinding
{
	KeyapiListPage *page;		/* HERE; kept as long as the list */
	KeyapiSharedFailure shared_failure; /* REFUSED */
} KeyapiFinding;

/*
 * The statement's list, for as long as CurrentMemoryContext lives, which must be
 * the query's.  ttl_ms is the age up to which the list may come from the cache;
 * 0: it may not.  The first scan of a statement decides.  The cache is left alone
 * until the first page is needed.
 */
extern KeyapiStatementList *keyapi_statement_list_open(const KeyapiCacheKey *key,
													   int ttl_ms);

/* ---- finding pages ---- */

/*
 * A page that is paid for, kept as long as the list; or NULL.
 */
extern KeyapiListPage *keyapi_statement_list_get(KeyapiStatementList *list,
												 int number);

/*
 * Look for a page in order to ask for it if it is not there.  YOURS: ask the API,
 * then call _put or _give_up; others wait for that until the time until, at most.
 * AWAITED, and what waiter is for: see single_flight.h.
 */
extern KeyapiPageState keyapi_statement_list_look(KeyapiStatementList *list, int number,
												  TimestampTz until,
												  KeyapiWaiter *waiter,
												  KeyapiFinding *finding);

/*
 * Whether a page that is not there is REFUSED; then *why is set.
 */
extern bool keyapi_statement_list_is_refused(const KeyapiStatementList *list,
											 int number,
											 const KeyapiWaiter *waiter,
											 KeyapiSharedFailure *why);

/*
 * Whether asking for a page costs nothing: it is there, or the list is known to
 * end before it.
 */
extern bool keyapi_statement_list_is_free(KeyapiStatementList *list, int number);

/*
 * The same for a list that need not be opened, and is not by this.
 */
extern bool keyapi_statement_list_would_be_free(const KeyapiCacheKey *key,
												int ttl_ms, int number);

/*
 * The number itself; or that of the list's last page, if the list is known to end
 * before.
 */
extern int	keyapi_statement_list_existing(KeyapiStatementList *list, int number);

/*
 * Whether the pages of a list need not be kept once the caller's query does not need
 * them: it is the only one that reads them, and they could be had again.
 */
extern bool keyapi_statement_list_may_go(const KeyapiStatementList *list);
extern void keyapi_statement_list_let_go(KeyapiStatementList *list);

/* ---- what became of a page that was YOURS ---- */

/*
 * It has arrived.  Its data is a block in the memory of kept pages, and belongs to the
 * list from now on.  Returns the statement's page, kept as long as the list.
 */
extern KeyapiListPage *keyapi_statement_list_put(KeyapiStatementList *list,
												 int number,
												 const KeyapiStoredPage *page);

/*
 * It is asked for once more; others wait for that until the time until, at most.
 */
extern void keyapi_statement_list_retry(KeyapiStatementList *list, int number,
										TimestampTz until);

/*
 * It is not asked for any longer.  why tells others that they need not try
 * either; NULL: they may.
 */
extern void keyapi_statement_list_give_up(KeyapiStatementList *list, int number,
										  const KeyapiSharedFailure *why);

/*
 * The API failed to give page number (why).  From now on, take the last state of
 * the list that has the page and is younger than max_age_ms instead, whole: the
 * pages that it lacks are REFUSED, for the same reason.  False, and nothing
 * changes, if there is none or a page has been read already.  *fetched_at is when
 * its oldest page arrived.
 */
extern bool keyapi_statement_list_fall_back(KeyapiStatementList *list,
											int number, int max_age_ms,
											const KeyapiSharedFailure *why,
											TimestampTz *fetched_at);

#endif							/* KEYAPI_STATEMENT_LISTS_H */
