/*-------------------------------------------------------------------------
 *
 * version.c
 *	  The SQL function keyapi_fdw_version: what a bug report must say.
 *
 *-------------------------------------------------------------------------
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "http/http.h"
#include "json/decode.h"

extern PGDLLEXPORT Datum keyapi_fdw_version(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(keyapi_fdw_version);

Datum
keyapi_fdw_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("keyapi_fdw %s, %s, %s",
											  KEYAPI_VERSION,
											  keyapi_http_version(),
											  keyapi_json_version())));
}
