/*-------------------------------------------------------------------------
 *
 * page_request.h
 *	  A page that was asked for, until it enters its list: its states, and the
 *	  one place where they change.
 *
 *		create       start           receive          arrive        enter
 *		------> WAITING ---> IN_FLIGHT -----> RECEIVED -----> ARRIVED ----->
 *				 ^   ^          |              |    |
 *				 |   +- abandon +              |    +- fail -> FAILED
 *				 +---------- retry ------------+
 *
 * and, without the API:
 *
 *		WAITING ---- arrive ----> ARRIVED	the page is cached
 *		WAITING ---- fail ------> FAILED	there is no use in asking
 *		FAILED ----- arrive ----> ARRIVED	an old copy of the list will do
 *		WAITING, FAILED -- forget -->		nobody wants the page any longer
 *
 * Nothing is decided here.  When a request starts: send.c; what a response leads
 * to: receive.c; whether it is tried again: retry.c; which pages are asked for:
 * fetcher.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PAGE_REQUEST_H
#define KEYAPI_PAGE_REQUEST_H

#include "compat.h"

#include "lib/ilist.h"

#include "api/failure.h"
#include "fetch/listing_pages.h"
#include "fetch/statement_lists.h"
#include "http/http.h"
#include "shared/single_flight.h"

typedef enum KeyapiPageRequestStatus
{
	KEYAPI_REQUEST_WAITING,		/* to be sent, perhaps again */
	KEYAPI_REQUEST_IN_FLIGHT,
	KEYAPI_REQUEST_RECEIVED,	/* the transfer is over, its outcome not
								 * looked into yet */
	KEYAPI_REQUEST_ARRIVED,		/* page is there, not in its list yet */
	KEYAPI_REQUEST_FAILED		/* failure tells why */
} KeyapiPageRequestStatus;

/* The requests of one fetcher. */
typedef struct KeyapiPageRequests
{
	dlist_head	list;			/* KeyapiPageRequest, in the order they were
								 * asked for */
	int		   *in_flight;		/* counts those that are IN_FLIGHT, together
								 * with those of other fetchers */
	int64		arrived;		/* how many ever ARRIVED */
} KeyapiPageRequests;

typedef struct KeyapiPageRequest
{
	dlist_node	node;
	KeyapiPageRequests *all;	/* the ones that this is one of */
	KeyapiListingPages *listing_pages;	/* that the page will enter */
	int			number;			/* of the page */
	KeyapiPageRequestStatus status;
	MemoryContext context;		/* of the latest attempt, transfer included */
	int			attempts;		/* sent so far */
	int64		sent_at_us;		/* the last time, by the gate's clock */
	int64		doubted_at_us;	/* when it was sent after its first failure;
								 * or for the first time, if it has not failed */
	KeyapiTransfer *transfer;	/* IN_FLIGHT, RECEIVED */
	KeyapiPage	page;			/* ARRIVED */
	KeyapiFailure failure;		/* FAILED; texts live in context */

	/* WAITING, kept by send.c */
	int64		not_before_us;	/* earliest time, by the gate's clock */
	KeyapiWaiter waiter;		/* for another session */
	int64		awaited_at_us;	/* when another session was seen asking for
								 * the page; 0: none does */
	int64		awaited_us;		/* how long that went on while it was needed */

	/* kept by give_up.c, about the time since it is needed */
	int			closings;		/* of the gate, the fewest */
	int64		probes_seen;	/* failed ones of the outage, -1: not looked */
	int			probes;			/* of these, those of others, which count as
								 * tries */
} KeyapiPageRequest;

/* The request that a dlist_iter or dlist_mutable_iter is at. */
#define keyapi_page_request_at(iter) \
	dlist_container(KeyapiPageRequest, node, (iter).cur)

/*
 * The request for this page of the list, or NULL.
 */
extern KeyapiPageRequest *keyapi_page_request_find(KeyapiPageRequests *all,
												   const KeyapiListingPages *listing_pages,
												   int number);

/*
 * Credits that an attempt costs.
 */
extern int	keyapi_page_request_credits(const KeyapiPageRequest *request);

/*
 * A failure of the request of which the cause is not known yet (KEYAPI_OK).
 * base_url is kept.
 */
extern KeyapiFailure keyapi_page_request_failure(const KeyapiPageRequest *request,
												 const char *base_url);

/* ---- changes of state ---- */

/*
 * (none) -> WAITING.  The request, and a context of its own, are made in
 * CurrentMemoryContext.
 */
extern KeyapiPageRequest *keyapi_page_request_create(KeyapiPageRequests *all,
													 KeyapiListingPages *listing_pages,
													 int number);

/*
 * WAITING -> IN_FLIGHT: an attempt was sent at this time of the gate's clock.
 * transfer lives in request->context.
 */
extern void keyapi_page_request_start(KeyapiPageRequest *request,
									  KeyapiTransfer *transfer, int64 now);

/*
 * IN_FLIGHT -> RECEIVED: the transfer is over.
 */
extern void keyapi_page_request_receive(KeyapiPageRequest *request);

/*
 * IN_FLIGHT -> WAITING: give the transfer up.
 */
extern void keyapi_page_request_abandon(KeyapiPageRequest *request);

/*
 * RECEIVED -> WAITING: it will be sent again, or found elsewhere, not before
 * this time of the gate's clock.
 */
extern void keyapi_page_request_retry(KeyapiPageRequest *request, int64 not_before);

/*
 * RECEIVED, WAITING (the page was cached) or FAILED (an old copy will do) ->
 * ARRIVED.  The page must be kept as long as the list.
 */
extern void keyapi_page_request_arrive(KeyapiPageRequest *request,
									   KeyapiListPage *page);

/*
 * RECEIVED or WAITING (there is no use in asking) -> FAILED.  The failure is
 * copied, its texts are not.
 */
extern void keyapi_page_request_fail(KeyapiPageRequest *request,
									 const KeyapiFailure *failure);

/*
 * ARRIVED -> (none): enter the page into its list, which warns as
 * keyapi_listing_add_page does, and free the request.  Returns the page.
 */
extern KeyapiPage *keyapi_page_request_enter(KeyapiPageRequest *request);

/*
 * WAITING or FAILED -> (none): free the request.
 */
extern void keyapi_page_request_forget(KeyapiPageRequest *request);

#endif							/* KEYAPI_PAGE_REQUEST_H */
