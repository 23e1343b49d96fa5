/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  A page of a list, from the API.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch.h"

#include "pgstat.h"
#include "utils/memutils.h"

#include "credential.h"
#include "error.h"
#include "http.h"
#include "option.h"

struct KeyapiFetcher
{
	MemoryContext context;
	Oid			serverid;
	Oid			userid;
	const char *const *paths;
	int			npaths;

	/* set at the first request */
	KeyapiServerOptions *server;
	char	   *api_key;

	KeyapiCost	cost;
};

KeyapiFetcher *
keyapi_fetcher_create(Oid serverid, Oid userid,
					  const char *const *paths, int npaths)
{
	KeyapiFetcher *fetcher = palloc0(sizeof(KeyapiFetcher));

	fetcher->context = CurrentMemoryContext;
	fetcher->serverid = serverid;
	fetcher->userid = userid;
	fetcher->paths = paths;
	fetcher->npaths = npaths;
	return fetcher;
}

static void *
page_alloc(void *arg, size_t size)
{
	if (!AllocSizeIsValid(size))
		return NULL;
	return MemoryContextAllocExtended((MemoryContext) arg, size,
									  MCXT_ALLOC_NO_OOM);
}

/*
 * Look up what requests need: at the first one, so that a scan that needs none
 * needs no user mapping either.
 */
static void
prepare_requests(KeyapiFetcher *fetcher)
{
	MemoryContext oldcontext;

	if (fetcher->api_key != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(fetcher->context);
	fetcher->server = keyapi_server_options(fetcher->serverid);
	fetcher->api_key = keyapi_api_key(fetcher->userid, fetcher->serverid);
	MemoryContextSwitchTo(oldcontext);
}

static KeyapiCause
cause_of_transfer(const KeyapiHttpOutcome *outcome)
{
	switch (outcome->result)
	{
		case KEYAPI_HTTP_RESPONSE:
			return keyapi_cause_of_status(outcome->status);
		case KEYAPI_HTTP_CONNECT_FAILED:
		case KEYAPI_HTTP_CONNECT_TIMEOUT:
			return KEYAPI_CANNOT_CONNECT;
		case KEYAPI_HTTP_TLS_FAILED:
			return KEYAPI_TLS;
		case KEYAPI_HTTP_BROKEN:
			return KEYAPI_BROKEN_TRANSFER;
		case KEYAPI_HTTP_TIMEOUT:
			return KEYAPI_TIMED_OUT;
		case KEYAPI_HTTP_TOO_LARGE:
			return KEYAPI_BODY_TOO_LARGE;
	}
	return KEYAPI_BAD_RESPONSE;
}

static KeyapiCause
cause_of_body(KeyapiDecodeResult result, const KeyapiDecoded *data)
{
	switch (result)
	{
		case KEYAPI_DECODE_OK:
			return KEYAPI_OK;
		case KEYAPI_DECODE_REFUSED:
			return keyapi_cause_of_status(data->code);
		case KEYAPI_DECODE_TRUNCATED:
			return KEYAPI_TRUNCATED_BODY;
		case KEYAPI_DECODE_NOT_JSON:
		case KEYAPI_DECODE_NO_DATA:
			return KEYAPI_BAD_RESPONSE;
		case KEYAPI_DECODE_NO_MEMORY:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory"),
					 errdetail("Failed while decoding a response of the API.")));
	}
	return KEYAPI_BAD_RESPONSE;
}

/*
 * Decode the outcome of a request into *data.  Returns the cause of failure,
 * with what is known of it in *failure.
 */
static KeyapiCause
read_outcome(KeyapiFetcher *fetcher, const KeyapiHttpOutcome *outcome,
			 KeyapiDecoded *data, KeyapiFailure *failure)
{
	const KeyapiAllocator allocator = {page_alloc, fetcher->context};
	KeyapiDecodeResult result = KEYAPI_DECODE_NO_DATA;

	failure->cause = cause_of_transfer(outcome);
	failure->status = outcome->status;
	failure->retry_after = outcome->retry_after;
	failure->base_url = fetcher->server->base_url;
	if (outcome->result != KEYAPI_HTTP_RESPONSE)
	{
		failure->reason = outcome->reason;
		return failure->cause;
	}

	/* a body may explain a bad status, and a good status hide a bad code */
	result = keyapi_decode(outcome->body, outcome->body_len,
						   failure->list->endpoint,
						   fetcher->paths, fetcher->npaths, &allocator, data);
	if (failure->cause == KEYAPI_OK)
	{
		failure->cause = cause_of_body(result, data);
		if (failure->cause == KEYAPI_TRUNCATED_BODY ||
			failure->cause == KEYAPI_BAD_RESPONSE)
			failure->reason = data->error;
	}
	if (failure->cause == KEYAPI_OK)
		return KEYAPI_OK;
	failure->code = data->code;
	failure->api_message = data->message;
	failure->request_id = data->request_id;
	if (data->message == NULL || failure->reason != NULL)
	{
		failure->body = outcome->body;
		failure->body_len = outcome->body_len;
	}
	return failure->cause;
}

KeyapiPage *
keyapi_fetch_page(KeyapiFetcher *fetcher, KeyapiListState *state, int number)
{
	KeyapiPage *page = MemoryContextAllocZero(state->context,
											  sizeof(KeyapiPage));
	KeyapiFailure failure = {.list = &state->list, .page = number};
	const KeyapiHttpOutcome *outcome;
	KeyapiTransfer *transfer;
	KeyapiHttpOptions options;

	prepare_requests(fetcher);
	options = (KeyapiHttpOptions)
	{
		.ca_file = fetcher->server->ca_file,
		.proxy = fetcher->server->proxy,
		.connect_timeout = fetcher->server->connect_timeout,
		.request_timeout = fetcher->server->request_timeout,
	};
	transfer = keyapi_http_start(keyapi_list_url(&state->list,
												 fetcher->server->base_url,
												 number),
								 fetcher->api_key, &options);
	fetcher->cost.requests++;
	fetcher->cost.credits += state->list.endpoint->credits;
	while ((outcome = keyapi_http_outcome(transfer)) == NULL)
		keyapi_http_drive(-1, PG_WAIT_EXTENSION);
	fetcher->cost.bytes += outcome->wire_bytes;
	fetcher->cost.http_time += outcome->elapsed;

	if (read_outcome(fetcher, outcome, &page->data, &failure) != KEYAPI_OK)
		keyapi_throw(&failure, fetcher->api_key);
	keyapi_http_release(transfer);

	page->number = number;
	page->fetched_at = GetCurrentTimestamp();
	keyapi_list_add(state, page);
	return page;
}

const KeyapiCost *
keyapi_fetcher_cost(const KeyapiFetcher *fetcher)
{
	return &fetcher->cost;
}
