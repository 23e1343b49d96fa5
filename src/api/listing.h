/*-------------------------------------------------------------------------
 *
 * listing.h
 *	  A bound list, and the URL that asks for a page of it.
 *
 * A list is what the API returns page by page for one combination of
 * parameters.  No secrets in here: lists may be shown, compared and stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LISTING_H
#define KEYAPI_LISTING_H

#include "compat.h"

#include "api/endpoint.h"

typedef struct KeyapiListing
{
	const KeyapiEndpoint *endpoint;
	int			page_size;		/* asked for: 1..max_page_size */
	const char *values[KEYAPI_MAX_PARAMS];	/* value of each of the endpoint's
											 * parameters, in the database's
											 * encoding; never NULL or "" */
} KeyapiListing;

/*
 * URL of a page (from 1) of the list: base_url, "/v1/", path and the query
 * string with every parameter, percent-encoded as RFC 3986 has it, in UTF-8.
 * Palloc'd.
 */
extern char *keyapi_listing_url(const KeyapiListing *listing, const char *base_url,
								int page);

/*
 * The list as a string that is the same for the same list and different for
 * any other ("region=US&period=7&order_by=vv&limit=20"): key of hash tables,
 * and what error details show.  Palloc'd.
 */
extern char *keyapi_listing_key(const KeyapiListing *listing);

/*
 * The endpoint's parameters in words ("region, period and order_by"), for
 * messages; "" if it has none.  Palloc'd.
 */
extern char *keyapi_param_names(const KeyapiEndpoint *endpoint);

#endif							/* KEYAPI_LISTING_H */
