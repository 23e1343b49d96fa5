/*-------------------------------------------------------------------------
 *
 * import.c
 *	  IMPORT FOREIGN SCHEMA: the endpoint table as CREATE FOREIGN TABLE.
 *
 *-------------------------------------------------------------------------
 */
#include "sql/import.h"

#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "api/endpoint.h"
#include "options/option_value.h"

static bool
is_listed(const char *table, List *table_list)
{
	ListCell   *lc;

	foreach(lc, table_list)
	{
		if (strcmp(lfirst_node(RangeVar, lc)->relname, table) == 0)
			return true;
	}
	return false;
}

static bool
is_wanted(const char *table, const ImportForeignSchemaStmt *stmt)
{
	switch (stmt->list_type)
	{
		case FDW_IMPORT_SCHEMA_ALL:
			return true;
		case FDW_IMPORT_SCHEMA_LIMIT_TO:
			return is_listed(table, stmt->table_list);
		case FDW_IMPORT_SCHEMA_EXCEPT:
			return !is_listed(table, stmt->table_list);
	}
	return false;
}

/*
 * The defaults of the parameters are written out, so that \d+ shows what a query
 * without conditions reads.  defaults is in place of all of them, unless it is
 * NULL.
 */
static char *
create_table_command(const KeyapiEndpoint *endpoint, const char *server,
					 const char *defaults)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE FOREIGN TABLE %s (",
					 quote_identifier(endpoint->table));
	for (int i = 0; i < endpoint->ncolumns; i++)
		appendStringInfo(&buf, "%s\n  %s %s", i == 0 ? "" : ",",
						 quote_identifier(endpoint->columns[i].name),
						 endpoint->columns[i].type);
	appendStringInfo(&buf, "\n) SERVER %s OPTIONS (endpoint %s",
					 quote_identifier(server),
					 quote_literal_cstr(endpoint->path));
	for (int i = 0; i < endpoint->nparams; i++)
		appendStringInfo(&buf, ", %s %s",
						 quote_identifier(endpoint->params[i].name),
						 quote_literal_cstr(defaults != NULL ? defaults :
											endpoint->params[i].default_value));
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

static void
unknown_schema(const char *name)
{
	StringInfoData known;

	initStringInfo(&known);
	for (const KeyapiEndpoint *e = keyapi_endpoints; e->path != NULL; e++)
	{
		if (e == keyapi_endpoints || strcmp(e->schema, e[-1].schema) != 0)
			appendStringInfo(&known, "%s%s", known.len == 0 ? "" : ", ",
							 e->schema);
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
			 errmsg("remote schema \"%s\" does not exist", name),
			 errhint("Remote schemas are: %s.", known.data)));
}

/*
 * The value of the option "defaults", or NULL.  "none" is the only one: what else
 * may stand for a parameter depends on the parameter.
 */
static const char *
defaults_option(List *options)
{
	const char *defaults = NULL;
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "defaults") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", def->defname),
					 errhint("The only option of IMPORT FOREIGN SCHEMA is \"defaults\". ALTER FOREIGN TABLE sets those of a table.")));
		defaults = defGetString(def);
		if (strcmp(defaults, "none") != 0)
			keyapi_option_bad("defaults", defaults,
							  "It must be none: then a query must name the values of all parameters.");
	}
	return defaults;
}

List *
keyapiImportForeignSchema(ImportForeignSchemaStmt *stmt, Oid serverOid)
{
	const char *server = GetForeignServer(serverOid)->servername;
	const char *defaults = defaults_option(stmt->options);
	bool		known_schema = false;
	List	   *commands = NIL;

	for (const KeyapiEndpoint *e = keyapi_endpoints; e->path != NULL; e++)
	{
		if (strcmp(e->schema, stmt->remote_schema) != 0)
			continue;
		known_schema = true;
		if (is_wanted(e->table, stmt))
			commands = lappend(commands, create_table_command(e, server, defaults));
	}
	if (!known_schema)
		unknown_schema(stmt->remote_schema);
	return commands;
}
