/*-------------------------------------------------------------------------
 *
 * column_source.c
 *	  Where the columns of a foreign table come from.
 *
 * Each query asks for all columns of its tables, twice, and most have no option: to
 * find that out in the catalogs costs more than to read ten rows.  So a table's
 * relation cache entry keeps what was found, in the place that an access method has
 * for such things, which a foreign table has none of (rd_amcache in utils/rel.h).
 * PostgreSQL frees it when the table or its options change.
 *
 *-------------------------------------------------------------------------
 */
#include "options/column_source.h"

#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "options/option.h"

/* As rd_amcache has to be: one chunk.  The paths follow. */
typedef struct KeptSources
{
	const KeyapiEndpoint *endpoint;
	KeyapiColumnSource sources[FLEXIBLE_ARRAY_MEMBER];
} KeptSources;

static KeyapiColumnSource
find_source(const KeyapiEndpoint *endpoint, Form_pg_attribute attr)
{
	const char *path = keyapi_column_field(attr->attrelid, attr->attnum);
	const KeyapiColumn *column = keyapi_endpoint_column(endpoint, NameStr(attr->attname));
	KeyapiColumnSource source = {KEYAPI_COLUMN_FIELD, path};

	if (path != NULL)
		return source;
	if (column == NULL)
		source.field = NameStr(attr->attname);
	else
	{
		source.kind = column->kind;
		source.field = column->field;
	}
	return source;
}

static KeptSources *
find_sources(Relation rel, const KeyapiEndpoint *endpoint)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	Size		sources_size = sizeof(KeyapiColumnSource) * tupdesc->natts;
	KeyapiColumnSource *sources = palloc0(sources_size);
	Size		text_size = 0;
	KeptSources *kept;
	char	   *text;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (!attr->attisdropped)
			sources[i] = find_source(endpoint, attr);
		if (sources[i].field != NULL)
			text_size += strlen(sources[i].field) + 1;
	}
	kept = MemoryContextAlloc(CacheMemoryContext,
							  offsetof(KeptSources, sources) + sources_size + text_size);
	kept->endpoint = endpoint;
	text = (char *) &kept->sources[tupdesc->natts];
	for (int i = 0; i < tupdesc->natts; i++)
	{
		kept->sources[i] = sources[i];
		if (sources[i].field == NULL)
			continue;
		kept->sources[i].field = strcpy(text, sources[i].field);
		text += strlen(text) + 1;
	}
	pfree(sources);
	return kept;
}

KeyapiColumnSource
keyapi_column_source(Relation rel, const KeyapiEndpoint *endpoint, int index)
{
	KeptSources *kept = rel->rd_amcache;
	KeyapiColumnSource source;

	if (kept == NULL || kept->endpoint != endpoint)
	{
		kept = find_sources(rel, endpoint);
		if (rel->rd_amcache != NULL)
			pfree(rel->rd_amcache);
		rel->rd_amcache = kept;
	}
	source = kept->sources[index];

	/* what is kept may be freed whenever the caller looks at a catalog */
	if (source.field != NULL)
		source.field = pstrdup(source.field);
	return source;
}

void
keyapi_check_column_name(const KeyapiEndpoint *endpoint, Form_pg_attribute attr)
{
	const char *name = NameStr(attr->attname);
	const KeyapiColumn *meant = keyapi_endpoint_column_meant(endpoint, name);

	if (meant == NULL || keyapi_column_field(attr->attrelid, attr->attnum) != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_COLUMN_NAME),
			 errmsg("column \"%s\" of foreign table \"%s\" must be called \"%s\"",
					name, get_rel_name(attr->attrelid), meant->name),
			 errdetail("Names of columns are case-sensitive, and the API documents no field \"%s\".",
					   name),
			 errhint("Rename the column, or set its option \"field\" to the field that it is to hold.")));
}
