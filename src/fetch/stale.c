/*-------------------------------------------------------------------------
 *
 * stale.c
 *	  An old state of a list in place of an error.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/stale.h"

#include "fetch/receive.h"
#include "fetch/shared_failure.h"
#include "fetch/statement_lists.h"

/*
 * Whether the API could not be asked, as opposed to refusing what it was asked
 * for.
 */
static bool
may_be_stale(const KeyapiFailure *failure)
{
	switch (failure->cause)
	{
		case KEYAPI_PAYMENT_REQUIRED:
		case KEYAPI_RATE_LIMITED:
		case KEYAPI_TLS:
		case KEYAPI_CERTIFICATE_EXPIRED:
			return true;
		default:
			return keyapi_failure_is_outage(failure);
	}
}

bool
keyapi_stale_use(KeyapiFetcher *fetcher, KeyapiPageRequest *request,
				 const KeyapiFailure *failure)
{
	const KeyapiListingPages *listing_pages = request->listing_pages;
	KeyapiStatementList *list = listing_pages->statement_list;
	int			max_age_ms = fetcher->server->stale_if_error_ms;
	const KeyapiSharedFailure why = keyapi_shared_failure(failure, fetcher->server);
	TimestampTz fetched_at;

	if (max_age_ms == 0 || keyapi_listing_num_pages(listing_pages) > 0 ||
		!may_be_stale(failure) ||
		!keyapi_statement_list_fall_back(list, request->number, max_age_ms, &why,
										 &fetched_at))
		return false;
	ereport(WARNING,
			(errmsg("list %s is served as it was at %s",
					keyapi_listing_key(&listing_pages->listing),
					timestamptz_to_str(fetched_at)),
			 errdetail("The API could not be asked: %s.",
					   keyapi_failure_message(failure))));
	keyapi_fetch_use_cached(fetcher, request,
							keyapi_statement_list_get(list, request->number));
	if (request->status != KEYAPI_REQUEST_ARRIVED)
		return false;
	keyapi_ledger_book_stale_list(&fetcher->ledger);
	return true;
}
