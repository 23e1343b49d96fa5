/*-------------------------------------------------------------------------
 *
 * fetcher_internal.h
 *	  What the files of the fetch room share: fetcher.c (what is asked for),
 *	  send.c (when it is sent) and receive.c (what comes back).
 *
 * Each page asked for is a KeyapiPageRequest that goes from WAITING to IN_FLIGHT to
 * RECEIVED to ARRIVED or FAILED, or back to WAITING for another try; or from
 * WAITING to ARRIVED, if the page was paid for before or by another session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FETCHER_INTERNAL_H
#define KEYAPI_FETCHER_INTERNAL_H

#include "fetch/fetcher.h"

#include "lib/ilist.h"

#include "fetch/statement_lists.h"

#define NEVER PG_INT64_MAX

typedef enum KeyapiPageRequestStatus
{
	WAITING,					/* to be sent, perhaps again */
	IN_FLIGHT,
	RECEIVED,					/* with a good status, not decoded yet */
	ARRIVED,					/* page is there, not in the list yet */
	FAILED						/* failure tells why */
} KeyapiPageRequestStatus;

typedef struct KeyapiPageRequest
{
	dlist_node	node;
	KeyapiListingPages *state;
	int			number;			/* of the page */
	KeyapiPageRequestStatus status;
	MemoryContext context;		/* of the latest attempt, transfer included;
								 * in the end, of the page */
	int			attempts;		/* sent so far */
	int64		not_before_us;	/* WAITING: earliest time, by the gate's clock */
	int			closings;		/* of the gate, the fewest since it is needed */
	bool		awaited;		/* WAITING: another session has sent for it */
	KeyapiWaiter waiter;		/* how long for */
	int64		sent_at_us;
	KeyapiTransfer *transfer;
	KeyapiPage *page;
	KeyapiFailure failure;
} KeyapiPageRequest;

struct KeyapiFetcher
{
	MemoryContext context;
	Oid			relid;
	Oid			serverid;
	Oid			userid;
	const char *const *paths;
	int			npaths;

	/* set at the first request */
	KeyapiServerOptions *server;
	int			cache_ttl_ms;
	char	   *api_key;		/* NULL: nothing is set yet */
	KeyapiAccountId account;
	KeyapiProgressReport *report;

	dlist_head	requests;		/* in the order they were asked for */
	int			in_flight;
	bool		works;			/* a page has arrived */
	KeyapiLedger ledger;
	KeyapiProgress progress;
};

/* ---- fetcher.c ---- */

/*
 * Enter the page of a request into its list, and forget the request.
 */
extern KeyapiPage *keyapi_fetch_enter(KeyapiPageRequest *request);

/* ---- send.c ---- */

/*
 * Send what may be sent, the page that is needed (or NULL) first; and take the
 * pages that were paid for meanwhile.  Returns when there may be more to send,
 * by the gate's clock, or NEVER if something has to happen before.  Raises 54000
 * if the budget does not suffice for the page that is needed.
 */
extern int64 keyapi_fetch_send(KeyapiFetcher *fetcher, KeyapiPageRequest *needed);

/*
 * Take a request off the bill again if it turns out that it was not sent: there
 * was no connection.  It must be finished, or about to be abandoned.
 */
extern void keyapi_fetch_settle(KeyapiFetcher *fetcher,
								const KeyapiPageRequest *request);

/*
 * What keeps a page from arriving.
 */
extern KeyapiWait keyapi_fetch_waits_for(const KeyapiFetcher *fetcher,
										 const KeyapiPageRequest *request);

/* ---- receive.c ---- */

/*
 * Take in the answers that are there.  The good ones are left to be decoded
 * when the next requests are on their way; true if there are any.
 */
extern bool keyapi_fetch_receive(KeyapiFetcher *fetcher);

/*
 * Decode them.
 */
extern void keyapi_fetch_decode(KeyapiFetcher *fetcher,
								const KeyapiPageRequest *needed);

/*
 * The page of a WAITING request has been paid for: make it ARRIVED.
 */
extern void keyapi_fetch_use_cached(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
									const KeyapiBody *body);

/*
 * A WAITING request is in vain, as others have found.
 */
extern void keyapi_fetch_adopt_failure(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
									   const KeyapiSharedFailure *shared_failure);

#endif							/* KEYAPI_FETCHER_INTERNAL_H */
