/*-------------------------------------------------------------------------
 *
 * failure.c
 *	  The table of causes, and the one place that raises them.
 *
 *-------------------------------------------------------------------------
 */
#include "api/failure.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "api/secret.h"

/* How much of an unexpected body an error quotes, in bytes. */
#define QUOTED_BODY_BYTES 200

/* How much of a message of the API an error quotes, in bytes. */
#define QUOTED_MESSAGE_BYTES 1000

/*
 * Pauses from here on are probably a mistake, in s: rate limits count in seconds
 * or minutes.
 */
#define LONG_PAUSE_S 600

typedef struct CauseInfo
{
	int			sqlstate;
	bool		transient;		/* another try may succeed */
	const char *message;
	const char *hint;			/* NULL: made by failure_hint */
} CauseInfo;

static const CauseInfo causes[KEYAPI_NUM_CAUSES] = {
	[KEYAPI_BAD_REQUEST] = {
		ERRCODE_INVALID_PARAMETER_VALUE, false,
		"the API rejected the parameters of a request",
		NULL
	},
	[KEYAPI_UNAUTHORIZED] = {
		ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, false,
		"the API did not accept the API key",
		"Check option \"api_key\" or \"api_key_file\" of the user mapping."
	},
	[KEYAPI_PAYMENT_REQUIRED] = {
		ERRCODE_INSUFFICIENT_RESOURCES, false,
		"the API account has no credits left",
		"Buy credits for the account of this API key, or use another key."
	},
	[KEYAPI_FORBIDDEN] = {
		ERRCODE_INSUFFICIENT_PRIVILEGE, false,
		"the API key has no access to the endpoint",
		"Enable the endpoint for this API key, or use another key."
	},
	[KEYAPI_RATE_LIMITED] = {
		ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, true,
		"the API's rate limit was exceeded",
		"Wait, then run the query again."
	},
	[KEYAPI_UNAVAILABLE] = {
		ERRCODE_SYSTEM_ERROR, true,
		"the API failed to answer a request",
		"The failure may be temporary; run the query again later."
	},
	[KEYAPI_UNEXPECTED_STATUS] = {
		ERRCODE_SYSTEM_ERROR, false,
		"the API answered a request with an unexpected status",
		"Check option \"base_url\" of the server."
	},
	[KEYAPI_NOT_THE_API] = {
		ERRCODE_SYSTEM_ERROR, false,
		"something before the API refused a request",
		"A firewall, proxy or gateway may have answered in place of the API: check the network, and options \"base_url\" and \"proxy\" of the server."
	},
	[KEYAPI_CANNOT_CONNECT] = {
		ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, true,
		"could not connect to the API",
		"Check the network, and options \"base_url\", \"proxy\" and \"connect_timeout\" of the server."
	},
	[KEYAPI_TLS] = {
		ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, false,
		"could not establish a secure connection to the API",
		"Check options \"base_url\" and \"ca_file\" of the server: the certificate must be valid for the host and be issued by an authority in the system's bundle or in ca_file, which the server's operating system user must be able to read."
	},
	[KEYAPI_CERTIFICATE_EXPIRED] = {
		ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, false,
		"could not establish a secure connection to the API",
		"The API's operator must renew the certificate; no option helps. If it has not expired, check the clock of this machine."
	},
	[KEYAPI_BROKEN_TRANSFER] = {
		ERRCODE_CONNECTION_FAILURE, true,
		"the connection to the API broke during a request",
		"The failure may be temporary; run the query again later."
	},
	[KEYAPI_TIMED_OUT] = {
		ERRCODE_CONNECTION_FAILURE, true,
		"a request to the API timed out",
		"The failure may be temporary; option \"request_timeout\" of the server sets the limit."
	},
	[KEYAPI_BODY_TOO_LARGE] = {
		ERRCODE_PROGRAM_LIMIT_EXCEEDED, false,
		"a response of the API is too large",
		"Check option \"base_url\" of the server; a smaller \"page_size\" makes pages smaller."
	},
	[KEYAPI_TRUNCATED_BODY] = {
		ERRCODE_PROTOCOL_VIOLATION, true,
		"a response of the API is incomplete",
		"The failure may be temporary; run the query again later."
	},
	[KEYAPI_BAD_RESPONSE] = {
		ERRCODE_PROTOCOL_VIOLATION, false,
		"a response of the API could not be understood",
		"If this is no answer of the API, check option \"base_url\" of the server; else the API may have changed."
	},
};

KeyapiCause
keyapi_cause_of_status(int64 status)
{
	switch (status)
	{
		case 0:
		case 200:
			return KEYAPI_OK;
		case 400:
			return KEYAPI_BAD_REQUEST;
		case 401:
			return KEYAPI_UNAUTHORIZED;
		case 402:
			return KEYAPI_PAYMENT_REQUIRED;
		case 403:
			return KEYAPI_FORBIDDEN;
		case 429:
			return KEYAPI_RATE_LIMITED;
		case 408:
		case 425:
		case 500:
		case 502:
		case 503:
		case 504:
		case 520:
		case 521:
		case 522:
		case 523:
		case 524:
			return KEYAPI_UNAVAILABLE;
		default:
			return KEYAPI_UNEXPECTED_STATUS;
	}
}

bool
keyapi_cause_is_transient(KeyapiCause cause)
{
	return causes[cause].transient;
}

/* ---------------------------------------------------------------------
 * Texts from outside
 * ---------------------------------------------------------------------
 */

/*
 * A text that came from outside as part of a message: without secrets, on
 * one line, valid in the database's encoding, of at most max bytes.  An error
 * report must not fail on what it reports, so what cannot be shown becomes "?".
 */
static char *
presentable(const char *text, size_t text_len, int max)
{
	StringInfoData buf;
	bool		keep_non_ascii;

	initStringInfo(&buf);
	keyapi_secret_append_blotted(&buf, text, text_len, max);
	for (int i = 0; i < buf.len; i++)
	{
		if ((unsigned char) buf.data[i] < ' ')
			buf.data[i] = ' ';
	}
	if (buf.len > max)
	{
		buf.len = GetDatabaseEncoding() == PG_UTF8 ?
			pg_encoding_mbcliplen(PG_UTF8, buf.data, buf.len, max) : max;
		buf.data[buf.len] = '\0';
		appendStringInfoString(&buf, "...");
	}
	keep_non_ascii = GetDatabaseEncoding() == PG_UTF8 &&
		pg_verify_mbstr(PG_UTF8, buf.data, buf.len, true);
	for (char *p = buf.data; *p && !keep_non_ascii; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	}
	return buf.data;
}

char *
keyapi_quotable(const char *text)
{
	return presentable(text, strlen(text), QUOTED_MESSAGE_BYTES);
}

static void
append_text(StringInfo buf, const char *format, const char *text)
{
	if (text != NULL && *text != '\0')
		appendStringInfo(buf, format,
						 presentable(text, strlen(text), QUOTED_MESSAGE_BYTES));
}

static int64
seconds(int64 ms)
{
	return (ms + 999) / 1000;
}

/*
 * "Endpoint tiktok/trending/videos, region=US&..., page 3: HTTP status 429, ..."
 */
static char *
failure_detail(const KeyapiFailure *failure)
{
	StringInfoData buf;
	StringInfoData known;

	initStringInfo(&known);
	if (failure->status != 0)
		appendStringInfo(&known, ", HTTP status %d", failure->status);
	if (failure->code != 0)
		appendStringInfo(&known, ", code " INT64_FORMAT, failure->code);
	append_text(&known, ", message \"%s\"", failure->api_message);
	append_text(&known, ", request id \"%s\"", failure->request_id);
	if (failure->retry_after_ms >= 0)
		appendStringInfo(&known, ", retry after " INT64_FORMAT " s",
						 seconds(failure->retry_after_ms));
	if (failure->attempts > 1)
		appendStringInfo(&known, ", attempt %d", failure->attempts);

	initStringInfo(&buf);
	append_text(&buf, "Server %s, ", failure->base_url);
	appendStringInfo(&buf, "endpoint %s, ", failure->listing->endpoint->path);
	append_text(&buf, "%s", keyapi_listing_key(failure->listing));
	appendStringInfo(&buf, ", page %d", failure->page);
	if (known.len > 0)
		appendStringInfo(&buf, ": %s", known.data + strlen(", "));
	appendStringInfoChar(&buf, '.');
	if (failure->body_len > 0)
		appendStringInfo(&buf, "\nThe response begins: %s",
						 presentable(failure->body, failure->body_len,
									 QUOTED_BODY_BYTES));
	return buf.data;
}

static const char *
bad_request_hint(const KeyapiEndpoint *endpoint)
{
	if (endpoint->nparams == 0)
		return "Check option \"page_size\" of the foreign table.";
	return psprintf("Check the values that the query gives for %s.",
					keyapi_param_names(endpoint));
}

/*
 * What to do if the API says when to come back.
 */
static const char *
come_back_hint(const KeyapiFailure *failure)
{
	int64		s = seconds(failure->retry_after_ms);

	if (failure->cause == KEYAPI_RATE_LIMITED && s >= LONG_PAUSE_S)
		return psprintf("Run the query again in " INT64_FORMAT " s. If so long a pause makes no sense, keyapi_fdw_resume() ends it.",
						s);
	return psprintf("Run the query again in " INT64_FORMAT " s.", s);
}

static const char *
failure_hint(const KeyapiFailure *failure)
{
	const CauseInfo *cause = &causes[failure->cause];

	if (failure->cause == KEYAPI_BAD_REQUEST)
		return bad_request_hint(failure->listing->endpoint);
	return cause->transient && failure->retry_after_ms > 0 ?
		come_back_hint(failure) : cause->hint;
}

char *
keyapi_failure_message(const KeyapiFailure *failure)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, causes[failure->cause].message);
	append_text(&buf, ": %s", failure->reason);
	return buf.data;
}

void
keyapi_failure_raise(const KeyapiFailure *failure, int64 spent)
{
	const CauseInfo *cause = &causes[failure->cause];

	ereport(ERROR,
			(errcode(cause->sqlstate),
			 errmsg("%s", keyapi_failure_message(failure)),
			 spent == 0 ? errdetail("%s", failure_detail(failure)) :
			 errdetail_plural("%s\nThe statement has spent " INT64_FORMAT " credit.",
							  "%s\nThe statement has spent " INT64_FORMAT " credits.",
							  spent, failure_detail(failure), spent),
			 errhint("%s", failure_hint(failure))));
	pg_unreachable();
}
