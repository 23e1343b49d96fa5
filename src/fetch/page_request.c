/*-------------------------------------------------------------------------
 *
 * page_request.c
 *	  A page that was asked for: its states, and the one place where they
 *	  change.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/page_request.h"

#include "utils/memutils.h"

KeyapiPageRequest *
keyapi_page_request_find(KeyapiPageRequests *all,
						 const KeyapiListingPages *listing_pages, int number)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all->list)
	{
		KeyapiPageRequest *request = keyapi_page_request_at(iter);

		if (request->listing_pages == listing_pages && request->number == number)
			return request;
	}
	return NULL;
}

int
keyapi_page_request_credits(const KeyapiPageRequest *request)
{
	return request->listing_pages->listing.endpoint->credits;
}

KeyapiFailure
keyapi_page_request_failure(const KeyapiPageRequest *request, const char *base_url)
{
	return (KeyapiFailure)
	{
		.cause = KEYAPI_OK,
			.listing = &request->listing_pages->listing,
			.page = request->number,
			.retry_after_ms = -1,
			.attempts = request->attempts,
			.base_url = base_url,
	};
}

/* ---------------------------------------------------------------------
 * Changes of state
 * ---------------------------------------------------------------------
 */

KeyapiPageRequest *
keyapi_page_request_create(KeyapiPageRequests *all,
						   KeyapiListingPages *listing_pages, int number)
{
	KeyapiPageRequest *request = palloc0(sizeof(KeyapiPageRequest));

	request->context = AllocSetContextCreate(CurrentMemoryContext,
											 "keyapi_fdw page",
											 ALLOCSET_START_SMALL_SIZES);
	request->all = all;
	request->listing_pages = listing_pages;
	request->number = number;
	request->status = KEYAPI_REQUEST_WAITING;
	request->closings = PG_INT32_MAX;
	request->probes_seen = -1;
	dlist_push_tail(&all->list, &request->node);
	return request;
}

void
keyapi_page_request_start(KeyapiPageRequest *request, KeyapiTransfer *transfer,
						  int64 now)
{
	Assert(request->status == KEYAPI_REQUEST_WAITING);
	request->transfer = transfer;
	request->sent_at_us = now;
	if (request->attempts <= 1)
		request->doubted_at_us = now;
	request->attempts++;
	request->status = KEYAPI_REQUEST_IN_FLIGHT;
	(*request->all->in_flight)++;
}

void
keyapi_page_request_receive(KeyapiPageRequest *request)
{
	Assert(request->status == KEYAPI_REQUEST_IN_FLIGHT);
	request->status = KEYAPI_REQUEST_RECEIVED;
	(*request->all->in_flight)--;
}

void
keyapi_page_request_abandon(KeyapiPageRequest *request)
{
	Assert(request->status == KEYAPI_REQUEST_IN_FLIGHT);
	keyapi_http_release(request->transfer);
	request->transfer = NULL;
	request->status = KEYAPI_REQUEST_WAITING;
	(*request->all->in_flight)--;
}

void
keyapi_page_request_retry(KeyapiPageRequest *request, int64 not_before)
{
	Assert(request->status == KEYAPI_REQUEST_RECEIVED);
	request->not_before_us = not_before;
	request->status = KEYAPI_REQUEST_WAITING;
}

void
keyapi_page_request_arrive(KeyapiPageRequest *request, KeyapiListPage *page)
{
	KeyapiListingPages *listing_pages = request->listing_pages;

	Assert(request->status == KEYAPI_REQUEST_RECEIVED ||
		   request->status == KEYAPI_REQUEST_WAITING ||
		   request->status == KEYAPI_REQUEST_FAILED);
	request->page = (KeyapiPage)
	{
		.number = request->number,
			.fetched_at = page->fetched_at,
			.nrows = page->nrows,
			.kept = &page->kept,
	};
	request->status = KEYAPI_REQUEST_ARRIVED;
	request->all->arrived++;

	/* pages after it need not be asked for */
	if (page->ends_list)
		listing_pages->last_page = Min(listing_pages->last_page, request->number);
}

void
keyapi_page_request_fail(KeyapiPageRequest *request, const KeyapiFailure *failure)
{
	Assert(request->status == KEYAPI_REQUEST_RECEIVED ||
		   request->status == KEYAPI_REQUEST_WAITING);
	request->failure = *failure;
	request->status = KEYAPI_REQUEST_FAILED;
}

/*
 * How many later pages of the list have been asked for.
 */
static int
sent_after(const KeyapiPageRequest *request)
{
	int			sent = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &request->all->list)
	{
		const KeyapiPageRequest *other = keyapi_page_request_at(iter);

		sent += other->listing_pages == request->listing_pages &&
			other->number > request->number && other->attempts > 0;
	}
	return sent;
}

static void
forget(KeyapiPageRequest *request)
{
	dlist_delete(&request->node);
	MemoryContextDelete(request->context);
	pfree(request);
}

KeyapiPage *
keyapi_page_request_enter(KeyapiPageRequest *request)
{
	KeyapiListingPages *listing_pages = request->listing_pages;
	KeyapiPage *page = MemoryContextAlloc(listing_pages->context, sizeof(KeyapiPage));

	Assert(request->status == KEYAPI_REQUEST_ARRIVED);
	*page = request->page;
	keyapi_listing_add_page(listing_pages, page, sent_after(request));
	forget(request);
	return page;
}

void
keyapi_page_request_forget(KeyapiPageRequest *request)
{
	Assert(request->status == KEYAPI_REQUEST_WAITING ||
		   request->status == KEYAPI_REQUEST_FAILED);
	forget(request);
}
