/*-------------------------------------------------------------------------
 *
 * certificate.c
 *	  When a server's certificate expired.
 *
 *-------------------------------------------------------------------------
 */
#include "http/certificate.h"

#include <time.h>

/* How libcurl calls the date. */
#define EXPIRE_DATE "Expire date:"

bool
keyapi_certificate_has_expired(const KeyapiTransfer *transfer, CURLcode result)
{
	return result == CURLE_PEER_FAILED_VERIFICATION &&
		strstr(transfer->error, "expired") != NULL;
}

bool
keyapi_certificate_look(KeyapiTransfer *transfer, CURLcode result)
{
	CURL	   *easy = transfer->easy;

	/* only to connect, and nobody uses the connection afterwards */
	if (curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L) != CURLE_OK ||
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) != CURLE_OK)
		return false;
	transfer->looking = true;
	transfer->refused_as = result;
	return true;
}

/*
 * The date of one certificate, if that is past, or NULL.
 */
static const char *
past_date(const struct curl_slist *fields)
{
	for (; fields != NULL; fields = fields->next)
	{
		const char *date = fields->data + strlen(EXPIRE_DATE);
		time_t		expiry;

		if (strncmp(fields->data, EXPIRE_DATE, strlen(EXPIRE_DATE)) != 0)
			continue;
		expiry = curl_getdate(date, NULL);
		return expiry != -1 && expiry < time(NULL) ? date : NULL;
	}
	return NULL;
}

const char *
keyapi_certificate_expiry(const KeyapiTransfer *transfer)
{
	struct curl_certinfo *info = NULL;
	const char *date = NULL;

	if (!transfer->looking ||
		curl_easy_getinfo(transfer->easy, CURLINFO_CERTINFO, &info) != CURLE_OK ||
		info == NULL)
		return NULL;

	/* it may be that of an authority in between */
	for (int i = 0; i < info->num_of_certs && date == NULL; i++)
		date = past_date(info->certinfo[i]);
	return date;
}
