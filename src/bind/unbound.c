/*-------------------------------------------------------------------------
 *
 * unbound.c
 *	  The error of a scan with an unbound parameter.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/unbound.h"

#include "lib/stringinfo.h"

char *
keyapi_unbound_message(const KeyapiScanTable *table, int param, bool restricted)
{
	const KeyapiParam *definition = &table->endpoint->params[param];
	const char *name = definition->name;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, restricted ?
					 "query restricts \"%s\" of foreign table \"%s\", but does not say to which values: " :
					 "query must say which \"%s\" of foreign table \"%s\" it wants: ",
					 name, table->name);
	appendStringInfo(&buf,
					 "write %s = ..., %s IN (...) or %s = ANY (ARRAY(SELECT ...))",
					 name, name, name);
	if (restricted && definition->domain_option != NULL)
		appendStringInfo(&buf, ", or set the table's option \"%s\"",
						 definition->domain_option);
	return buf.data;
}

void
keyapi_unbound_error(const KeyapiScanTable *table, int param, bool restricted,
					 bool from_outside)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg_internal("%s",
							 keyapi_unbound_message(table, param, restricted)),
			 errdetail("The API needs to be asked for each list by name, and nothing was asked for."),
			 from_outside ?
			 errhint("Joins count if they can be read as %s = value for each row of the other side, and conditions outside of a subquery if PostgreSQL can move them inside.",
					 table->endpoint->params[param].name) : 0));
	pg_unreachable();
}
