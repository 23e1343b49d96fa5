/*-------------------------------------------------------------------------
 *
 * resume.c
 *	  The SQL function keyapi_fdw_resume: requests may go on.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "miscadmin.h"

#include "api/endpoint.h"
#include "options/api_key.h"
#include "options/option.h"
#include "options/server_account.h"
#include "scan/scan.h"
#include "shared/account.h"

extern PGDLLEXPORT Datum keyapi_fdw_resume(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(keyapi_fdw_resume);

static bool
is_ours(Oid serverid)
{
	return GetFdwRoutineByServerId(serverid)->IterateForeignScan ==
		keyapiIterateForeignScan;
}

/*
 * End the pauses of the account that the caller's user mapping stands for, for
 * all endpoints of the server.
 */
Datum
keyapi_fdw_resume(PG_FUNCTION_ARGS)
{
	const char *name = NameStr(*PG_GETARG_NAME(0));
	Oid			serverid = GetForeignServerByName(name, false)->serverid;
	const KeyapiServerOptions *server;
	const char *api_key;

	if (!is_ours(serverid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is no server of keyapi_fdw", name)));
	server = keyapi_server_options(serverid);
	api_key = keyapi_api_key(GetUserId(), serverid);
	for (const KeyapiEndpoint *endpoint = keyapi_endpoints;
		 endpoint->path != NULL; endpoint++)
	{
		KeyapiAccountId account = keyapi_server_account(server, endpoint, api_key);

		keyapi_account_resume(&account);
	}
	PG_RETURN_VOID();
}
