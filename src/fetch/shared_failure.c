/*-------------------------------------------------------------------------
 *
 * shared_failure.c
 *	  A failure as other sessions are told of it, and back.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/shared_failure.h"

#include "mb/pg_wchar.h"

#include "fetch/retry.h"
#include "fetch/statement_lists.h"

/*
 * Copy a text (UTF-8, NULL: "") into size bytes, clipped between characters.
 */
static void
copy_text(char *copy, size_t size, const char *text)
{
	int			len = text == NULL ? 0 :
	pg_encoding_mbcliplen(PG_UTF8, text, strlen(text), size - 1);

	memcpy(copy, text == NULL ? "" : text, len);
	copy[len] = '\0';
}

KeyapiSharedFailure
keyapi_shared_failure(const KeyapiFailure *failure, const KeyapiServerOptions *server)
{
	KeyapiSharedFailure shared_failure = {
		.cause = failure->cause,
		.status = failure->status,
		.code = failure->code,
		.retry_after_ms = failure->retry_after_ms,
		.attempts = failure->attempts,
		.patience = keyapi_cause_is_transient(failure->cause) ?
		keyapi_patience_of(server) : KEYAPI_ENDLESS_PATIENCE,
	};

	copy_text(shared_failure.api_message, sizeof(shared_failure.api_message),
			  failure->api_message);
	copy_text(shared_failure.request_id, sizeof(shared_failure.request_id),
			  failure->request_id);
	copy_text(shared_failure.reason, sizeof(shared_failure.reason),
			  failure->reason);
	return shared_failure;
}

static const char *
read_text(const char *text)
{
	return *text == '\0' ? NULL : pstrdup(text);
}

/*
 * Fill *failure with what others have told; which page of which list it is, and
 * base_url, are left as they are.  Texts are palloc'd.
 */
static void
read_failure(const KeyapiSharedFailure *shared_failure, KeyapiFailure *failure)
{
	failure->cause = shared_failure->cause;
	failure->status = shared_failure->status;
	failure->code = shared_failure->code;
	failure->api_message = read_text(shared_failure->api_message);
	failure->request_id = read_text(shared_failure->request_id);
	failure->reason = read_text(shared_failure->reason);
	failure->retry_after_ms = shared_failure->retry_after_ms;
	failure->attempts = shared_failure->attempts;
}

void
keyapi_shared_failure_tell(const KeyapiPageRequest *request,
						   const KeyapiServerOptions *server)
{
	const KeyapiFailure *failure = &request->failure;
	const KeyapiSharedFailure told = keyapi_shared_failure(failure, server);

	/* which certificates to trust, each server decides: there, others may try */
	bool		may_differ = failure->cause == KEYAPI_TLS ||
	failure->cause == KEYAPI_CERTIFICATE_EXPIRED;

	keyapi_statement_list_give_up(request->listing_pages->statement_list,
								  request->number, may_differ ? NULL : &told);
}

void
keyapi_shared_failure_adopt(KeyapiPageRequest *request,
							const KeyapiSharedFailure *shared_failure,
							const KeyapiServerOptions *server)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(request->context);
	KeyapiFailure failure =
	keyapi_page_request_failure(request, server->base_url);

	read_failure(shared_failure, &failure);
	keyapi_page_request_fail(request, &failure);
	MemoryContextSwitchTo(oldcontext);
}
