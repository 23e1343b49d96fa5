/*-------------------------------------------------------------------------
 *
 * url_check.c
 *	  Checks of URLs in options, by the parser that will use them.
 *
 *-------------------------------------------------------------------------
 */
#include "http/url_check.h"

#include <curl/curl.h>

static bool
is_printable_ascii(const char *url)
{
	for (; *url; url++)
	{
		if (*url <= ' ' || *url > '~')
			return false;
	}
	return true;
}

/*
 * Whether the URL has this part.  *copy, if wanted, gets up to len - 1 bytes.
 */
static bool
has_part(CURLU *url, CURLUPart part, char *copy, size_t len)
{
	char	   *text;

	if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
		return false;
	if (copy != NULL)
		strlcpy(copy, text, len);
	curl_free(text);
	return true;
}

/*
 * libcurl has turned every spelling of an IPv4 address into dotted digits.
 */
static bool
is_loopback(const char *host)
{
	return pg_strcasecmp(host, "localhost") == 0 ||
		strcmp(host, "[::1]") == 0 ||
		(strncmp(host, "127.", 4) == 0 &&
		 host[strspn(host, "0123456789.")] == '\0');
}

static const char *
parsed_base_url_problem(CURLU *parsed)
{
	char		scheme[16] = "";
	char		host[256] = "";

	has_part(parsed, CURLUPART_SCHEME, scheme, sizeof(scheme));
	has_part(parsed, CURLUPART_HOST, host, sizeof(host));

	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		return "It must begin with https:// (or http:// for a loopback address).";
	if (has_part(parsed, CURLUPART_USER, NULL, 0) ||
		has_part(parsed, CURLUPART_PASSWORD, NULL, 0))
		return "It must have no user name and no password.";
	if (has_part(parsed, CURLUPART_QUERY, NULL, 0) ||
		has_part(parsed, CURLUPART_FRAGMENT, NULL, 0))
		return "It must have no query string and no fragment.";
	if (strcmp(scheme, "http") == 0 && !is_loopback(host))
		return "http:// would send the API key in clear text; it is allowed for loopback addresses only. Use https://.";
	return NULL;
}

const char *
keyapi_base_url_problem(const char *url)
{
	CURLU	   *parsed;
	const char *problem;

	if (!is_printable_ascii(url) || strpbrk(url, "?#") != NULL)
		return "It must consist of visible ASCII characters, without a query string and a fragment.";
	parsed = curl_url();
	if (parsed == NULL)
		return "There is no memory to parse it.";
	if (curl_url_set(parsed, CURLUPART_URL, url,
					 CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		problem = "It must be a URL of the form https://host[:port][/path].";
	else
		problem = parsed_base_url_problem(parsed);
	curl_url_cleanup(parsed);
	return problem;
}

const char *
keyapi_proxy_problem(const char *url)
{
	static const char *const schemes[] = {
		"http", "https", "socks4", "socks4a", "socks5", "socks5h"
	};
	const char *problem = "It must be a URL that begins with http://, https://, socks4://, socks4a://, socks5:// or socks5h://.";
	char		scheme[16] = "";
	CURLU	   *parsed;

	if (!is_printable_ascii(url))
		return "It must consist of visible ASCII characters.";
	parsed = curl_url();
	if (parsed == NULL)
		return "There is no memory to parse it.";
	if (curl_url_set(parsed, CURLUPART_URL, url,
					 CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		has_part(parsed, CURLUPART_SCHEME, scheme, sizeof(scheme));
	curl_url_cleanup(parsed);
	for (int i = 0; i < lengthof(schemes); i++)
	{
		if (strcmp(scheme, schemes[i]) == 0)
			problem = NULL;
	}
	return problem;
}

/*
 * A proxy reads plain http:// and passes it on from where it is, whatever it
 * is itself connected by.
 */
const char *
keyapi_proxied_url_problem(const char *base_url, const char *proxy)
{
	char		host[256] = "";
	CURLU	   *parsed;

	if (pg_strncasecmp(base_url, "http:", strlen("http:")) != 0)
		return NULL;
	parsed = curl_url();
	if (parsed == NULL)
		return "There is no memory to parse it.";
	if (curl_url_set(parsed, CURLUPART_URL, proxy,
					 CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		has_part(parsed, CURLUPART_HOST, host, sizeof(host));
	curl_url_cleanup(parsed);
	return is_loopback(host) ? NULL :
		"With a base_url that begins with http://, it would get the API key in clear text; only a proxy at a loopback address may. Use https://.";
}
