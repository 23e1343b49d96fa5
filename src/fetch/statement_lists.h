/*-------------------------------------------------------------------------
 *
 * statement_lists.h
 *	  The one state of a list that a statement sees.
 *
 * All scans of a statement that read a list read the same snapshot of it, so
 * that they agree and no page is paid for twice; also where lists are not
 * cached, and whatever others do to the cache meanwhile.  A statement is one
 * message of the client.  A query that outlives its statement (a cursor) keeps
 * the snapshots that it began with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_STATEMENT_LISTS_H
#define KEYAPI_STATEMENT_LISTS_H

#include "compat.h"

#include "shared/cache.h"
#include "shared/single_flight.h"

typedef struct KeyapiStatementList KeyapiStatementList;

typedef enum KeyapiPageState
{
	KEYAPI_PAGE_HERE,			/* paid for */
	KEYAPI_PAGE_YOURS,			/* the caller is to ask for it */
	KEYAPI_PAGE_AWAITED,		/* another session is asking for it */
	KEYAPI_PAGE_REFUSED			/* others have asked for it in vain */
} KeyapiPageState;

/*
 * The statement's snapshot of a list, for as long as CurrentMemoryContext
 * lives, which must be the query's.  ttl is the age in ms up to which the list
 * may come from the cache; 0: it may not.  The first scan of a statement decides.
 */
extern KeyapiStatementList *keyapi_statement_list_open(const KeyapiCacheKey *key, int ttl_ms);

/* What comes of looking for a page. */
typedef union KeyapiFinding
{
	const KeyapiBody *body;		/* HERE; kept as long as the snapshot */
	KeyapiSharedFailure shared_failure; /* REFUSED */
} KeyapiFinding;

/*
 * Look for a page.  YOURS: ask the API, then call keyapi_statement_list_put, _fail or
 * _give_up; others wait for that until the time until, at most.  AWAITED, and
 * what waiter is for: see single_flight.h.
 */
extern KeyapiPageState keyapi_statement_list_look(KeyapiStatementList *list, int number,
												  TimestampTz until,
												  KeyapiWaiter *waiter,
												  KeyapiFinding *finding);

/*
 * The caller waits before it may _look: what keeps others from getting the page
 * meanwhile will be REFUSED to it, too.
 */
extern void keyapi_statement_list_begin_wait(const KeyapiStatementList *list,
											 KeyapiWaiter *waiter);

/*
 * Look for a page without asking anybody for it: the body as above, or NULL.
 */
extern const KeyapiBody *keyapi_statement_list_get(KeyapiStatementList *list,
												   int number);

/*
 * Whether asking for a page costs nothing: it is there, or the list is known to
 * end before it.
 */
extern bool keyapi_statement_list_spares(const KeyapiStatementList *list, int number);

/*
 * The page; or the list's last one, if it is known to end before.
 */
extern int	keyapi_statement_list_existing(const KeyapiStatementList *list, int number);

/*
 * Lead the flight of a page, which was YOURS, for a longer time.
 */
extern void keyapi_statement_list_extend(KeyapiStatementList *list, int number,
										 TimestampTz until);

/*
 * A page has arrived.  The body is copied.
 */
extern void keyapi_statement_list_put(KeyapiStatementList *list, int number,
									  const KeyapiBody *body);

/*
 * The page is not asked for any longer: let others try.
 */
extern void keyapi_statement_list_give_up(KeyapiStatementList *list, int number);

/*
 * Nor need others try: this is why.
 */
extern void keyapi_statement_list_fail(KeyapiStatementList *list, int number,
									   const KeyapiSharedFailure *shared_failure);

/*
 * Take the last complete state of the list that is younger than max_age ms
 * instead, whole.  False if there is none, or if a page has been read already.
 * *fetched_at is when its first page arrived.
 */
extern bool keyapi_statement_list_fall_back(KeyapiStatementList *list, int max_age,
											TimestampTz *fetched_at);

#endif							/* KEYAPI_STATEMENT_LISTS_H */
