/*-------------------------------------------------------------------------
 *
 * canonical_url.c
 *	  One spelling for all spellings of a URL.
 *
 * libcurl does the most of it, but leaves percent-encoding as it is, and upper
 * case in the host.
 *
 *-------------------------------------------------------------------------
 */
#include "http/canonical_url.h"

#include <ctype.h>
#include <curl/curl.h>

#include "lib/stringinfo.h"
#include "utils/memutils.h"

/*
 * The URL that was asked for last, and its canonical spelling: each statement asks for
 * that of its server, and libcurl takes a while for it.  NULL at first.
 */
static char *last_url = NULL;
static char *last_canonical = NULL;

static bool
is_unreserved(char c)
{
	return isalnum((unsigned char) c) || (c != '\0' && strchr("-._~", c) != NULL);
}

/*
 * Decode what needs no percent-encoding, and write the rest in upper case.
 */
static char *
normal_encoding(const char *url)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = url; *p; p++)
	{
		char		hex[3] = {p[0] == '%' ? p[1] : '\0'};
		char		decoded;

		if (!isxdigit((unsigned char) hex[0]) || !isxdigit((unsigned char) p[2]))
		{
			appendStringInfoChar(&buf, *p);
			continue;
		}
		hex[1] = p[2];
		decoded = (char) strtol(hex, NULL, 16);
		if (is_unreserved(decoded))
			appendStringInfoChar(&buf, decoded);
		else
			appendStringInfo(&buf, "%%%c%c", pg_toupper((unsigned char) hex[0]),
							 pg_toupper((unsigned char) hex[1]));
		p += 2;
	}
	return buf.data;
}

/*
 * Write the host in lower case, without the dot that ends an absolute name.
 */
static void
normalize_host(CURLU *parsed)
{
	char	   *text;
	char	   *host;
	size_t		len;

	if (curl_url_get(parsed, CURLUPART_HOST, &text, 0) != CURLUE_OK)
		return;
	host = strdup(text);
	curl_free(text);
	if (host == NULL)
		return;
	len = strlen(host);
	for (size_t i = 0; i < len; i++)
		host[i] = pg_ascii_tolower((unsigned char) host[i]);
	if (len > 1 && host[len - 1] == '.')
		host[len - 1] = '\0';
	(void) curl_url_set(parsed, CURLUPART_HOST, host, 0);
	free(host);
}

/*
 * The URL as libcurl writes it, to be freed by curl_free; NULL if it cannot
 * parse it.
 */
static char *
rewrite(const char *url)
{
	CURLU	   *parsed = curl_url();
	char	   *rewritten = NULL;

	if (parsed != NULL &&
		curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
	{
		normalize_host(parsed);
		if (curl_url_get(parsed, CURLUPART_URL, &rewritten,
						 CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
			rewritten = NULL;
	}
	curl_url_cleanup(parsed);
	return rewritten;
}

/*
 * The canonical spelling, palloc'd.
 */
static char *
respell(const char *base_url)
{
	char	   *encoded = normal_encoding(base_url);
	char	   *rewritten = rewrite(encoded);
	char	   *canonical = encoded;
	size_t		len;

	if (rewritten != NULL)
	{
		canonical = MemoryContextAllocExtended(CurrentMemoryContext,
											   strlen(rewritten) + 1,
											   MCXT_ALLOC_NO_OOM);
		if (canonical != NULL)
			strcpy(canonical, rewritten);
		curl_free(rewritten);
		if (canonical == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory")));
	}
	len = strlen(canonical);
	while (len > 0 && canonical[len - 1] == '/')
		canonical[--len] = '\0';
	return canonical;
}

static void
forget(char **text)
{
	if (*text != NULL)
		pfree(*text);
	*text = NULL;
}

char *
keyapi_canonical_url(const char *base_url)
{
	if (last_url == NULL || strcmp(last_url, base_url) != 0)
	{
		char	   *canonical = respell(base_url);

		forget(&last_url);
		forget(&last_canonical);
		last_canonical = MemoryContextStrdup(TopMemoryContext, canonical);
		last_url = MemoryContextStrdup(TopMemoryContext, base_url);
		pfree(canonical);
	}
	return pstrdup(last_canonical);
}
