/*-------------------------------------------------------------------------
 *
 * scan_table.c
 *	  The foreign table of a scan, as the scan's clauses see it.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/scan_table.h"

#include "access/sysattr.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/partcache.h"

#include "options/column_source.h"

static void
add_lookalike(KeyapiScanTable *table, AttrNumber attnum, const char *field)
{
	for (int i = 0; i < table->endpoint->nparams; i++)
	{
		KeyapiTexts names = table->endpoint->params[i].lookalikes;

		for (; names != NULL && *names != NULL; names++)
		{
			if (strcmp(*names, field) == 0)
				table->lookalikes[i] =
					bms_add_member(table->lookalikes[i],
								   attnum - FirstLowInvalidHeapAttributeNumber);
		}
	}
}

static void
init_columns(KeyapiScanTable *table, Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		KeyapiColumnSource source;

		if (attr->attisdropped || attr->attgenerated)
			continue;
		if (attr->attnotnull)
			table->not_null = bms_add_member(table->not_null, attr->attnum);
		source = keyapi_column_source(rel, table->endpoint, i);
		if (source.kind == KEYAPI_COLUMN_PARAM)
			table->params[keyapi_endpoint_param(table->endpoint, source.field)] = attr->attnum;
		else if (source.kind == KEYAPI_COLUMN_RANK)
			table->rank = attr->attnum;
		else if (source.kind == KEYAPI_COLUMN_PAGE)
			table->page = attr->attnum;
		else if (source.kind == KEYAPI_COLUMN_FIELD)
			add_lookalike(table, attr->attnum, source.field);
	}
}

KeyapiScanTable *
keyapi_scan_table(Relation rel, Index varno, const KeyapiTableOptions *options)
{
	KeyapiScanTable *table = palloc0(sizeof(KeyapiScanTable));

	table->name = pstrdup(RelationGetRelationName(rel));
	table->tupdesc = CreateTupleDescCopy(RelationGetDescr(rel));
	table->options = options;
	table->endpoint = options->endpoint;
	table->varno = varno;
	init_columns(table, rel);
	return table;
}

List *
keyapi_partition_bounds(Relation rel, Index varno)
{
	List	   *bounds;

	if (!rel->rd_rel->relispartition)
		return NIL;
	bounds = copyObject(RelationGetPartitionQual(rel));
	ChangeVarNodes((Node *) bounds, 1, varno, 0);
	return (List *) eval_const_expressions(NULL, (Node *) bounds);
}

uint32
keyapi_scan_var_params(Var *var, void *arg)
{
	const KeyapiScanTable *table = arg;
	uint32		result = 0;

	if (var->varno != table->varno)
		return 0;
	for (int i = 0; i < table->endpoint->nparams; i++)
	{
		if (table->params[i] == 0)
			continue;
		if (var->varattno == table->params[i])
			return KEYAPI_PARAM_BIT(i);
		if (var->varattno == InvalidAttrNumber)
			result |= KEYAPI_PARAM_BIT(i);
	}
	return result | KEYAPI_DATA_BIT;
}
