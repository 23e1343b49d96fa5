/*-------------------------------------------------------------------------
 *
 * listing.c
 *	  A list as URL and as key.
 *
 *-------------------------------------------------------------------------
 */
#include "api/listing.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/*
 * Append value with everything but RFC 3986's unreserved characters
 * percent-encoded, as UTF-8 whatever the database's encoding is.
 */
static void
append_encoded(StringInfo buf, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";
	char	   *utf8 = pg_server_to_any(value, strlen(value), PG_UTF8);

	for (const unsigned char *p = (const unsigned char *) utf8; *p; p++)
	{
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			(*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL)
			appendStringInfoChar(buf, *p);
		else
		{
			appendStringInfoChar(buf, '%');
			appendStringInfoChar(buf, hex[*p >> 4]);
			appendStringInfoChar(buf, hex[*p & 0x0F]);
		}
	}
}

/*
 * Append "region=US&period=7&order_by=vv&limit=20".
 */
static void
append_query(StringInfo buf, const KeyapiListing *listing)
{
	const KeyapiEndpoint *endpoint = listing->endpoint;

	for (int i = 0; i < endpoint->nparams; i++)
	{
		appendStringInfo(buf, "%s=", endpoint->params[i].name);
		append_encoded(buf, listing->values[i]);
		appendStringInfoChar(buf, '&');
	}
	appendStringInfo(buf, "%s=%d", endpoint->page_size_param, listing->page_size);
}

char *
keyapi_listing_url(const KeyapiListing *listing, const char *base_url, int page)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s/v1/%s?%s=%d&", base_url,
					 listing->endpoint->path, listing->endpoint->page_param,
					 page);
	append_query(&buf, listing);
	return buf.data;
}

char *
keyapi_listing_key(const KeyapiListing *listing)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_query(&buf, listing);
	return buf.data;
}

char *
keyapi_param_names(const KeyapiEndpoint *endpoint)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < endpoint->nparams; i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, i < endpoint->nparams - 1 ? ", " : " and ");
		appendStringInfoString(&buf, endpoint->params[i].name);
	}
	return buf.data;
}
