/*-------------------------------------------------------------------------
 *
 * response.c
 *	  What a response means: a page of a list, or a failure.
 *
 * What follows from a failure is decided in receive.c; what JSON is accepted, in
 * json/decode.c.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/response.h"

#include "utils/memutils.h"

#include "fetch/kept_pages.h"

/*
 * Bytes that suffice for the document of a usual page, parsed, and are not given
 * back after use.  Larger documents take blocks of this size, doubled up to the
 * largest.
 */
#define USUAL_DOCUMENT (256 * 1024)
#define LARGEST_BLOCK (8 * 1024 * 1024)

static void *
context_alloc(void *arg, size_t size)
{
	if (!AllocSizeIsValid(size))
		return NULL;
	return MemoryContextAllocExtended((MemoryContext) arg, size,
									  MCXT_ALLOC_NO_OOM);
}

static void
reset_context(void *arg)
{
	MemoryContextReset((MemoryContext) arg);
}

KeyapiAllocator
keyapi_allocator(MemoryContext context)
{
	return (KeyapiAllocator)
	{
		context_alloc, context
	};
}

/*
 * Memory of the document that is being decoded.
 */
static MemoryContext
document_context(void)
{
	static MemoryContext context = NULL;

	if (context == NULL)
		context = GenerationContextCreate(TopMemoryContext, "keyapi_fdw document",
										  USUAL_DOCUMENT, USUAL_DOCUMENT, LARGEST_BLOCK);
	return context;
}

/*
 * The cause that a refusal without the API's envelope stands for.  What asks to
 * come back later is taken at its word, whatever it is.
 */
static KeyapiCause
cause_without_envelope(KeyapiCause cause)
{
	if (cause == KEYAPI_PROXY_REFUSED)
		return cause;
	return keyapi_cause_is_transient(cause) ? cause : KEYAPI_NOT_THE_API;
}

/*
 * The cause of a body that libcurl cannot decompress: the server would send the
 * same once more.
 */
static KeyapiCause
cause_of_undecodable(int status)
{
	KeyapiCause cause = keyapi_cause_of_status(status);

	return cause == KEYAPI_OK ? KEYAPI_BAD_RESPONSE : cause_without_envelope(cause);
}

/*
 * The cause of failure as far as it shows without looking into the body;
 * KEYAPI_OK if the body decides.
 */
static KeyapiCause
cause_of_outcome(const KeyapiHttpOutcome *outcome)
{
	switch (outcome->result)
	{
		case KEYAPI_HTTP_RESPONSE:
			/* RFC 9110: each 2xx is a success, and its body decides */
			return outcome->status >= 200 && outcome->status < 300 ? KEYAPI_OK :
				keyapi_cause_of_status(outcome->status);
		case KEYAPI_HTTP_CONNECT_FAILED:
		case KEYAPI_HTTP_CONNECT_TIMEOUT:
			return KEYAPI_CANNOT_CONNECT;
		case KEYAPI_HTTP_TLS_FAILED:
			return KEYAPI_TLS;
		case KEYAPI_HTTP_CERTIFICATE_EXPIRED:
			return KEYAPI_CERTIFICATE_EXPIRED;
		case KEYAPI_HTTP_BROKEN:
			return KEYAPI_BROKEN_TRANSFER;
		case KEYAPI_HTTP_BAD_ENCODING:
			return cause_of_undecodable(outcome->status);
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
 * Whether a body is the API's: gateways send messages too, but no such code and
 * no request id.
 */
static bool
is_envelope(const KeyapiEndpoint *endpoint, KeyapiDecodeResult result,
			const KeyapiDecoded *data)
{
	/* where the API gives no code, any JSON may be its own */
	if (endpoint->envelope->code == NULL)
		return result != KEYAPI_DECODE_NOT_JSON && result != KEYAPI_DECODE_TRUNCATED;
	return result == KEYAPI_DECODE_OK || result == KEYAPI_DECODE_REFUSED ||
		data->request_id != NULL;
}

/*
 * Decode the body.  failure->cause is what is known without it: KEYAPI_OK if the
 * body decides.
 */
static void
read_body(const char *body, size_t body_len, KeyapiDecoded *data,
		  KeyapiFailure *failure)
{
	const KeyapiDecodeMemory memory = {
		.document = keyapi_allocator(document_context()),
		.reset_document = reset_context,
		.block = keyapi_allocator(keyapi_kept_pages_context()),
		.texts = keyapi_allocator(CurrentMemoryContext),
	};
	KeyapiDecodeResult result;

	result = keyapi_json_decode(body, body_len, failure->listing->endpoint,
								&memory, data);
	if (failure->cause == KEYAPI_OK)
	{
		failure->cause = cause_of_body(result, data);
		if (failure->cause == KEYAPI_TRUNCATED_BODY ||
			failure->cause == KEYAPI_BAD_RESPONSE)
			failure->reason = data->error;
	}
	else if (!is_envelope(failure->listing->endpoint, result, data))
		failure->cause = cause_without_envelope(failure->cause);
	if (failure->cause == KEYAPI_OK)
		return;
	failure->code = data->code;
	failure->api_message = data->message;
	failure->request_id = data->request_id;
	if (data->message == NULL || failure->reason != NULL ||
		failure->cause == KEYAPI_NOT_THE_API)
	{
		failure->body = body;
		failure->body_len = body_len;
	}
}

const KeyapiBlock *
keyapi_response_read(const KeyapiHttpOutcome *outcome, KeyapiFailure *failure)
{
	KeyapiDecoded data = {0};

	failure->cause = cause_of_outcome(outcome);
	failure->status = outcome->status;
	failure->retry_after_ms = outcome->retry_after_ms;
	if (outcome->result != KEYAPI_HTTP_RESPONSE)
	{
		failure->reason = outcome->reason;
		return NULL;
	}

	/* a body may explain a bad status, and a good status hide a bad code */
	read_body(outcome->body, outcome->body_len, &data, failure);

	/* 204 and the like have no page to show */
	if (outcome->status != 200 && (failure->cause == KEYAPI_TRUNCATED_BODY ||
								   failure->cause == KEYAPI_BAD_RESPONSE))
		failure->cause = KEYAPI_UNEXPECTED_STATUS;
	if (failure->cause == KEYAPI_OK)
		return data.block;
	if (data.block != NULL)
		pfree(unconstify(KeyapiBlock *, data.block));
	if (outcome->location != NULL)
		failure->reason = psprintf("it redirects to %s",
								   keyapi_quotable(outcome->location));
	return NULL;
}
