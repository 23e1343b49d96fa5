/*-------------------------------------------------------------------------
 *
 * server_account.c
 *	  The account that an API key stands for at a server.
 *
 *-------------------------------------------------------------------------
 */
#include "options/server_account.h"

#include "http/canonical_url.h"

KeyapiAccountId
keyapi_server_account(const KeyapiServerOptions *server,
					  const KeyapiEndpoint *endpoint, const char *api_key)
{
	return keyapi_account_id(keyapi_canonical_url(server->base_url),
							 endpoint->path, server->proxy, api_key);
}
