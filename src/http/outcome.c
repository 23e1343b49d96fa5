/*-------------------------------------------------------------------------
 *
 * outcome.c
 *	  What came of a transfer, in words that do not depend on libcurl.
 *
 *-------------------------------------------------------------------------
 */
#include "http/outcome.h"

#include <ctype.h>
#include <time.h>

#include "http/cache_status.h"
#include "http/certificate.h"

/* A server that asks for a pause of more than a day gets a day. */
#define MAX_RETRY_AFTER_S	(24 * 60 * 60)

/*
 * The value of a header of the response without leading white space, or NULL.
 * It lives until libcurl is called again.
 */
static const char *
header_of(CURL *easy, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value + strspn(header->value, " \t");
}

static bool
connection_lost(CURL *easy)
{
	long		os_errno = 0;

	(void) curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
	return os_errno == ECONNRESET || os_errno == EPIPE;
}

/*
 * Whether libcurl could not decompress the body.  Where a gzip file goes on after
 * its end, libcurl says that the body could not be written, but it was.
 */
static bool
is_undecodable(const KeyapiTransfer *transfer, CURLcode result)
{
	return result == CURLE_BAD_CONTENT_ENCODING ||
		(result == CURLE_WRITE_ERROR && !transfer->no_memory &&
		 header_of(transfer->easy, "Content-Encoding") != NULL);
}

static KeyapiHttpResult
classify(const KeyapiTransfer *transfer, CURLcode result, bool overdue)
{
	if (transfer->too_large != NULL)
		return KEYAPI_HTTP_TOO_LARGE;
	if (overdue)
		return transfer->sent ? KEYAPI_HTTP_TIMEOUT : KEYAPI_HTTP_CONNECT_TIMEOUT;
	if (is_undecodable(transfer, result))
		return KEYAPI_HTTP_BAD_ENCODING;

	switch (result)
	{
		case CURLE_OK:
			return KEYAPI_HTTP_RESPONSE;

			/* libcurl's own for connecting, or the kernel's */
		case CURLE_OPERATION_TIMEDOUT:
			return transfer->sent ? KEYAPI_HTTP_TIMEOUT : KEYAPI_HTTP_CONNECT_TIMEOUT;

			/* a server that goes away during the handshake may come back */
		case CURLE_SSL_CONNECT_ERROR:
			return connection_lost(transfer->easy) ?
				KEYAPI_HTTP_CONNECT_FAILED : KEYAPI_HTTP_TLS_FAILED;

		case CURLE_PEER_FAILED_VERIFICATION:
			return keyapi_certificate_has_expired(transfer, result) ?
				KEYAPI_HTTP_CERTIFICATE_EXPIRED : KEYAPI_HTTP_TLS_FAILED;

		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CRL_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
		case CURLE_SSL_ENGINE_NOTFOUND:
		case CURLE_SSL_ENGINE_SETFAILED:
		case CURLE_SSL_ENGINE_INITFAILED:
			return KEYAPI_HTTP_TLS_FAILED;

		default:
			return transfer->sent ? KEYAPI_HTTP_BROKEN : KEYAPI_HTTP_CONNECT_FAILED;
	}
}

/*
 * Say how far a transfer came that ran out of time.
 */
static void
explain_delay(const KeyapiTransfer *transfer, char *reason, size_t size)
{
	CURL	   *easy = transfer->easy;
	double		seconds = transfer->outcome.elapsed_ms / 1000.0;
	curl_off_t	resolved = 0;
	long		connected = 0;

	/* newer releases tell the peer's address only after the handshake */
	(void) curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	(void) curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connected);

	if (transfer->sent)
		snprintf(reason, size, "%s after %.1f s, %zu body bytes received",
				 transfer->outcome.status == 0 ?
				 "No response" : "Response not complete",
				 seconds, transfer->body_len);
	else if (connected > 0)
		snprintf(reason, size, "Handshake not complete after %.1f s", seconds);
	else if (resolved > 0)
		snprintf(reason, size, "Not connected after %.1f s", seconds);
	else
		snprintf(reason, size, "Host name not resolved after %.1f s", seconds);
}

/*
 * Say which encoding libcurl could not undo, and why if it knows.
 */
static void
explain_encoding(const KeyapiTransfer *transfer, CURLcode result,
				 char *reason, size_t size)
{
	const char *encoding = header_of(transfer->easy, "Content-Encoding");

	snprintf(reason, size, "Body cannot be decompressed (Content-Encoding: %s): %s",
			 encoding == NULL ? "none" : encoding,
			 result == CURLE_BAD_CONTENT_ENCODING && transfer->error[0] != '\0' ?
			 transfer->error : curl_easy_strerror(CURLE_BAD_CONTENT_ENCODING));
}

static void
explain_expiry(const KeyapiTransfer *transfer, char *reason, size_t size)
{
	const char *date = keyapi_certificate_expiry(transfer);

	if (date == NULL)
		strlcpy(reason, transfer->error, size);
	else
		snprintf(reason, size, "%s (on %s)", transfer->error, date);
}

/*
 * Put into words what went wrong.  The words may quote the server (names in
 * its certificate), so anything but printable ASCII is masked.
 */
static void
explain(KeyapiTransfer *transfer, CURLcode result, bool overdue)
{
	char	   *reason = transfer->outcome.reason;
	size_t		size = sizeof(transfer->outcome.reason);

	if (transfer->too_large != NULL)
		strlcpy(reason, transfer->too_large, size);
	else if (overdue || transfer->outcome.result == KEYAPI_HTTP_CONNECT_TIMEOUT)
		explain_delay(transfer, reason, size);
	else if (transfer->replayed)
		strlcpy(reason, "Connection closed before the response", size);
	else if (transfer->outcome.result == KEYAPI_HTTP_BAD_ENCODING)
		explain_encoding(transfer, result, reason, size);
	else if (transfer->outcome.result == KEYAPI_HTTP_CERTIFICATE_EXPIRED)
		explain_expiry(transfer, reason, size);
	else if (transfer->error[0] != '\0')
		strlcpy(reason, transfer->error, size);
	else
		strlcpy(reason, curl_easy_strerror(result), size);

	if (transfer->bearer != NULL && strstr(reason, transfer->bearer) != NULL)
		strlcpy(reason, curl_easy_strerror(result), size);

	for (char *c = reason; *c != '\0'; c++)
	{
		if (*c == '\n' || *c == '\r')
			*c = ' ';
		else if (*c < ' ' || *c > '~')
			*c = '?';
	}
}

/*
 * A date in a header as seconds since 1970, or -1.  It begins with the name of a
 * weekday.
 */
static time_t
date_of(const char *value)
{
	return value != NULL && isalpha((unsigned char) *value) ?
		curl_getdate(value, NULL) : -1;
}

/*
 * The Retry-After header in ms, or -1.  Read here, because what libcurl makes
 * of it (CURLINFO_RETRY_AFTER) is 0 for nonsense, negative for a past date,
 * and bounded differently from version to version.  A date counts from the
 * response's own Date: one of the two clocks may be wrong.
 */
static int64
retry_after(CURL *easy)
{
	const char *value = header_of(easy, "Retry-After");
	size_t		digits;
	int64		seconds;

	if (value == NULL)
		return -1;
	digits = strspn(value, "0123456789");
	if (digits > 0)
	{
		if (value[digits + strspn(value + digits, " \t")] != '\0')
			return -1;
		errno = 0;
		seconds = strtoll(value, NULL, 10);
		if (errno == ERANGE)
			seconds = MAX_RETRY_AFTER_S;
	}
	else
	{
		time_t		date = date_of(value);
		time_t		now = date_of(header_of(easy, "Date"));

		if (date == -1)
			return -1;
		seconds = (int64) date - (int64) (now == -1 ? time(NULL) : now);
	}

	return Min(Max(seconds, 0), MAX_RETRY_AFTER_S) * INT64CONST(1000);
}

/*
 * Whether a cache on the way had the response.  The header may come several times.
 */
static bool
is_from_cache(CURL *easy)
{
	struct curl_header *header;

	for (size_t i = 0; curl_easy_header(easy, "Cache-Status", i, CURLH_HEADER, -1,
										&header) == CURLHE_OK; i++)
	{
		if (keyapi_cache_status_is_hit(header->value))
			return true;
	}
	return false;
}

/*
 * The header Age in ms (RFC 9111, section 5.1), 0 if there is none or it makes no
 * sense.
 */
static int64
age(CURL *easy)
{
	const char *value = header_of(easy, "Age");
	size_t		digits = value == NULL ? 0 : strspn(value, "0123456789");

	if (digits == 0 || value[digits + strspn(value + digits, " \t")] != '\0')
		return 0;
	return Min(strtoll(value, NULL, 10), PG_INT32_MAX) * INT64CONST(1000);
}

/*
 * Where a redirect points, from curl_url_get, or NULL.  User, password, query and
 * fragment may be secret, so they are left out.
 */
static char *
redirect_location(CURL *easy)
{
	char	   *redirect = NULL;
	char	   *location = NULL;
	CURLU	   *url;

	(void) curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &redirect);
	if (redirect == NULL || (url = curl_url()) == NULL)
		return NULL;
	if (curl_url_set(url, CURLUPART_URL, redirect,
					 CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		curl_url_set(url, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
		curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
		curl_url_set(url, CURLUPART_OPTIONS, NULL, 0) == CURLUE_OK &&
		curl_url_set(url, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
		curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK)
		(void) curl_url_get(url, CURLUPART_URL, &location, 0);
	curl_url_cleanup(url);
	return location;
}

void
keyapi_http_conclude(KeyapiTransfer *transfer, CURLcode result, bool overdue,
					 int64 now)
{
	KeyapiHttpOutcome *outcome = &transfer->outcome;
	CURL	   *easy = transfer->easy;
	long		status = 0;
	curl_off_t	wire_bytes = 0;

	/* what was found out afterwards changes nothing */
	if (transfer->looking)
	{
		result = transfer->refused_as;
		overdue = false;
	}
	(void) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &wire_bytes);

	outcome->result = classify(transfer, result, overdue);
	outcome->status = (int) status;
	outcome->wire_bytes = wire_bytes;
	outcome->retry_after_ms = retry_after(easy);
	outcome->from_cache = is_from_cache(easy);
	outcome->age_ms = age(easy);
	outcome->location = transfer->location = redirect_location(easy);
	outcome->elapsed_ms = (now - transfer->started_us) / 1000.0;

	if (outcome->result != KEYAPI_HTTP_RESPONSE)
	{
		explain(transfer, result, overdue);
		free(transfer->body);
		transfer->body = NULL;
		transfer->body_len = 0;
	}
	outcome->body = transfer->body != NULL ? transfer->body : "";
	outcome->body_len = transfer->body_len;

	transfer->finished = true;
}
