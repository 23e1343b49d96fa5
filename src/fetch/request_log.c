/*-------------------------------------------------------------------------
 *
 * request_log.c
 *	  A line in the server's log for each request.
 *
 * The line is for programs: fields of the form name=value, texts in quotes, the
 * same fields in the same order each time.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/request_log.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"

enum LogRequests
{
	LOG_NO_REQUESTS,
	LOG_FAILED_REQUESTS,
	LOG_ALL_REQUESTS
};

static const struct config_enum_entry log_requests_values[] = {
	{"none", LOG_NO_REQUESTS, false},
	{"failures", LOG_FAILED_REQUESTS, false},
	{"all", LOG_ALL_REQUESTS, false},
	{NULL, 0, false}
};

static int	log_requests = LOG_NO_REQUESTS;

/* What a line says of a request besides where it belongs. */
typedef struct Fields
{
	int			status;			/* HTTP status, or 0 */
	int64		code;			/* of the envelope, or 0 */
	double		ms;
	int64		bytes;
	bool		costs;			/* it was sent, and no cache had the answer */
	const char *request_id;		/* or NULL */
	const char *error;			/* or NULL */
} Fields;

void
keyapi_request_log_init(void)
{
	DefineCustomEnumVariable("keyapi_fdw.log_requests",
							 "Requests to the API that are written to the server's log.",
							 NULL,
							 &log_requests, LOG_NO_REQUESTS, log_requests_values,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

/*
 * Append a text in quotes.  keyapi_quotable has put it on one line, without
 * secrets.  Where it comes from the API, only ASCII is left of it: other line
 * ends are known than those of ASCII.
 */
static void
append_text(StringInfo line, const char *name, const char *text, bool ascii)
{
	appendStringInfo(line, " %s=\"", name);
	for (const char *p = text == NULL ? "" : keyapi_quotable(text); *p; p++)
	{
		if (*p == '"' || *p == '\\')
			appendStringInfoChar(line, '\\');
		if (*p == 0x7f || (ascii && IS_HIGHBIT_SET(*p)))
			appendStringInfoChar(line, '?');
		else
			appendStringInfoChar(line, *p);
	}
	appendStringInfoChar(line, '"');
}

static void
write_line(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request,
		   const Fields *fields)
{
	const KeyapiListing *listing = &request->listing_pages->listing;
	StringInfoData line;

	initStringInfo(&line);
	append_text(&line, "server", fetcher->server->name, false);
	append_text(&line, "endpoint", listing->endpoint->path, true);
	append_text(&line, "list", keyapi_listing_key(listing), true);
	appendStringInfo(&line, " page=%d status=%d code=" INT64_FORMAT
					 " ms=%.1f bytes=" INT64_FORMAT " credits=%d attempt=%d",
					 request->number, fields->status, fields->code,
					 fields->ms, fields->bytes,
					 fields->costs ? keyapi_page_request_credits(request) : 0,
					 request->attempts);
	append_text(&line, "request_id", fields->request_id, true);
	append_text(&line, "error", fields->error, true);

	/*
	 * The statement may hold a key, and takes lines of its own.  An interrupt
	 * would be served here, before what has become of the request is noted.
	 */
	HOLD_INTERRUPTS();
	ereport(LOG_SERVER_ONLY,
			(errmsg_internal("keyapi_fdw request:%s", line.data),
			 errhidestmt(true),
			 errhidecontext(true)));
	RESUME_INTERRUPTS();
	pfree(line.data);
}

void
keyapi_request_log(const KeyapiFetcher *fetcher, const KeyapiPageRequest *request,
				   const char *request_id, const KeyapiFailure *failure)
{
	const KeyapiHttpOutcome *outcome = keyapi_http_outcome(request->transfer);
	bool		failed = failure->cause != KEYAPI_OK;
	Fields		fields = {
		.status = outcome->status,
		.code = failure->code,
		.ms = outcome->elapsed_ms,
		.bytes = outcome->wire_bytes,
		.costs = keyapi_http_sent(request->transfer) &&
		!(fetcher->server->http_cache && outcome->from_cache),
		.request_id = request_id,
	};

	if (log_requests < (failed ? LOG_FAILED_REQUESTS : LOG_ALL_REQUESTS))
		return;
	if (failed)
		fields.error = keyapi_failure_message(failure);
	write_line(fetcher, request, &fields);
}

void
keyapi_request_log_abandoned(const KeyapiFetcher *fetcher,
							 const KeyapiPageRequest *request)
{
	const Fields fields = {
		.ms = (keyapi_gate_clock() - request->sent_at_us) / (double) US_PER_MS,
		.costs = true,
		.error = "the query did not wait for the answer",
	};

	if (log_requests < LOG_ALL_REQUESTS || !keyapi_http_sent(request->transfer))
		return;
	write_line(fetcher, request, &fields);
}
