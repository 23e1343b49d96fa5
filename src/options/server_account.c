/*-------------------------------------------------------------------------
 *
 * server_account.c
 *	  The account that an API key stands for at a server.
 *
 *-------------------------------------------------------------------------
 */
#include "options/server_account.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "http/canonical_url.h"

/*
 * The account that was asked for last, and what it was made of: nearly every
 * statement of a session asks for the same one, and to compute it costs a tenth of a
 * small query.  The key stays in memory with it, as it does in the system cache.
 */
static StringInfoData last_texts;	/* data is NULL at first */
static KeyapiAccountId last_account;

/*
 * Each with its NUL, so that the texts cannot run into each other.
 */
static void
append_texts(StringInfo buf, const KeyapiServerOptions *server,
			 const KeyapiEndpoint *endpoint, const char *api_key)
{
	const char *const texts[] = {server->base_url, endpoint->path, server->proxy, api_key};

	for (int i = 0; i < lengthof(texts); i++)
	{
		const char *text = texts[i] == NULL ? "" : texts[i];

		appendBinaryStringInfo(buf, text, strlen(text) + 1);
	}
}

static void
remember(const StringInfoData *texts, KeyapiAccountId account)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(TopMemoryContext);

	if (last_texts.data == NULL)
		initStringInfo(&last_texts);

	/* if memory runs out, nothing is remembered */
	resetStringInfo(&last_texts);
	appendBinaryStringInfo(&last_texts, texts->data, texts->len);
	last_account = account;
	MemoryContextSwitchTo(oldcontext);
}

KeyapiAccountId
keyapi_server_account(const KeyapiServerOptions *server,
					  const KeyapiEndpoint *endpoint, const char *api_key)
{
	StringInfoData texts;

	initStringInfo(&texts);
	append_texts(&texts, server, endpoint, api_key);
	if (last_texts.len != texts.len ||
		memcmp(last_texts.data, texts.data, texts.len) != 0)
		remember(&texts, keyapi_account_id(keyapi_canonical_url(server->base_url),
										   endpoint->path, server->proxy, api_key));
	pfree(texts.data);
	return last_account;
}
