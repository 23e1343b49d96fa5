/*-------------------------------------------------------------------------
 *
 * unbound.c
 *	  The error of a scan with an unbound parameter.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/unbound.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define INSIDE "move the condition inside, and "

/*
 * The message is made of: before, the parameter and its table, after, a colon,
 * remedy, and what to write.
 */
static const struct
{
	const char *before;
	const char *after;
	const char *remedy;
}			words[KEYAPI_REASON_COUNT] = {

	[KEYAPI_REASON_NONE] =
	{"query must say which", " it wants", ""},
	[KEYAPI_REASON_CLAUSE] =
	{"query restricts", ", but does not say to which values", ""},
	[KEYAPI_REASON_TYPE] =
	{"query restricts", ", whose type compares otherwise than text",
	"declare the column as text, and "},
	[KEYAPI_REASON_COLLATION] =
	{"query restricts", ", whose collation takes different texts for equal",
	"declare the column with a deterministic collation, and "},
	[KEYAPI_REASON_BOUND] =
	{"bound of the partition restricts", ", but does not say to which values", ""},
	[KEYAPI_REASON_JOIN] =
	{"query restricts", " by a join, but the other side does not name its values", ""},
	[KEYAPI_REASON_ANTI_JOIN] =
	{"query leaves out values of",
	" by NOT EXISTS, NOT IN or an outer join, but does not say which remain", ""},
	[KEYAPI_REASON_PEERS] =
	{"query compares", " with tables that have another default, but does not say which values it wants", ""},
	[KEYAPI_REASON_LIMIT] =
	{"query restricts", " outside of a subquery with LIMIT", INSIDE},
	[KEYAPI_REASON_DISTINCT] =
	{"query restricts", " outside of a subquery with DISTINCT", INSIDE},
	[KEYAPI_REASON_WINDOW] =
	{"query restricts", " outside of a subquery with a window function", INSIDE},
	[KEYAPI_REASON_AGGREGATE] =
	{"query restricts", " in HAVING or outside of a subquery with an aggregate",
	"move the condition to the WHERE inside, and "},
	[KEYAPI_REASON_SET_OPERATION] =
	{"query restricts", " outside of a UNION, INTERSECT or EXCEPT", INSIDE},
	[KEYAPI_REASON_CTE] =
	{"query restricts", " outside of a WITH query", INSIDE},
	[KEYAPI_REASON_SUBLINK] =
	{"query restricts", " by comparing what a subquery returns",
	"make the subquery a join, or " INSIDE},
	[KEYAPI_REASON_SUBQUERY] =
	{"query restricts", " outside of a subquery or view that PostgreSQL moves no condition into", INSIDE},
};

/*
 * What about its column keeps a condition from naming values, or
 * KEYAPI_REASON_NONE.
 */
static KeyapiReason
column_reason(const KeyapiScanTable *table, int param)
{
	Oid			collation;

	if (table->params[param] == 0)
		return KEYAPI_REASON_NONE;
	if (!keyapi_param_is_comparable(table, param))
		return KEYAPI_REASON_TYPE;
	collation = TupleDescAttr(table->tupdesc, table->params[param] - 1)->attcollation;
	return OidIsValid(collation) && !get_collation_isdeterministic(collation) ?
		KEYAPI_REASON_COLLATION : KEYAPI_REASON_NONE;
}

static KeyapiReason
reason_of(const KeyapiClauses *clauses, int param)
{
	static const KeyapiRestrictions no_restrictions = {0};
	const KeyapiRestrictions *others = clauses->restrictions != NULL ?
	clauses->restrictions : &no_restrictions;
	uint32		bit = KEYAPI_PARAM_BIT(param);
	KeyapiReason reason;

	if ((clauses->restricted & bit) == 0)
		return (others->conflicts & bit) != 0 ? KEYAPI_REASON_PEERS :
			KEYAPI_REASON_NONE;
	reason = column_reason(clauses->table, param);
	if (reason != KEYAPI_REASON_NONE)
		return reason;
	if ((clauses->own & ~others->bounded & bit) != 0)
		return KEYAPI_REASON_CLAUSE;
	return others->reasons[param] != KEYAPI_REASON_NONE ? others->reasons[param] :
		KEYAPI_REASON_BOUND;
}

static void
append_column_type(StringInfo buf, const KeyapiScanTable *table, int param)
{
	Form_pg_attribute attr = TupleDescAttr(table->tupdesc,
										   table->params[param] - 1);

	appendStringInfo(buf, " (%s)",
					 format_type_with_typemod(attr->atttypid, attr->atttypmod));
}

static char *
message(const KeyapiClauses *clauses, int param, KeyapiReason reason)
{
	const KeyapiScanTable *table = clauses->table;
	const KeyapiParam *definition = &table->endpoint->params[param];
	const char *name = definition->name;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s \"%s\"", words[reason].before, name);
	if (reason == KEYAPI_REASON_TYPE)
		append_column_type(&buf, table, param);
	appendStringInfo(&buf, " of foreign table \"%s\"%s: %s", table->name,
					 words[reason].after, words[reason].remedy);
	appendStringInfo(&buf,
					 "write %s = ..., %s IN (...) or %s = ANY (ARRAY(SELECT ...))",
					 name, name, name);
	if (reason != KEYAPI_REASON_NONE && definition->domain_option != NULL)
		appendStringInfo(&buf, ", or set the table's option \"%s\"",
						 definition->domain_option);
	return buf.data;
}

char *
keyapi_unbound_message(const KeyapiClauses *clauses, int param)
{
	return message(clauses, param, reason_of(clauses, param));
}

void
keyapi_unbound_error(const KeyapiClauses *clauses, int param)
{
	KeyapiReason reason = reason_of(clauses, param);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg_internal("%s", message(clauses, param, reason)),
			 errdetail("The API needs to be asked for each list by name, and nothing was asked for."),
			 reason == KEYAPI_REASON_JOIN ?
			 errhint("Joins count if they can be read as %s = value for each row of the other side.",
					 clauses->table->endpoint->params[param].name) : 0));
	pg_unreachable();
}
