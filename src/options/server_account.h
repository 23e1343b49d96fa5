/*-------------------------------------------------------------------------
 *
 * server_account.h
 *	  The account that an API key stands for at a server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SERVER_ACCOUNT_H
#define KEYAPI_SERVER_ACCOUNT_H

#include "compat.h"

#include "options/option.h"
#include "shared/account.h"

/*
 * The account that the key stands for at an endpoint of the server.  It is the
 * same for all spellings of base_url.
 */
extern KeyapiAccountId keyapi_server_account(const KeyapiServerOptions *server,
											 const KeyapiEndpoint *endpoint,
											 const char *api_key);

#endif							/* KEYAPI_SERVER_ACCOUNT_H */
