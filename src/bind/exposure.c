/*-------------------------------------------------------------------------
 *
 * exposure.c
 *	  Which columns of a query block show parameters of a scan.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/exposure.h"

#include "nodes/nodeFuncs.h"

void
keyapi_expose(KeyapiExposure *exposure, Index varno, AttrNumber attnum,
			  uint32 params)
{
	KeyapiExposedColumn *column;

	if (params == 0)
		return;
	column = palloc(sizeof(KeyapiExposedColumn));
	column->varno = varno;
	column->attnum = attnum;
	column->params = params;
	exposure->columns = lappend(exposure->columns, column);
}

/*
 * A whole-row Var shows all that the relation shows.
 */
uint32
keyapi_exposed_var_params(Var *var, void *arg)
{
	const KeyapiExposure *exposure = arg;
	uint32		params = 0;
	bool		known = false;	/* the relation shows something */
	ListCell   *lc;

	if (exposure->only != NULL && !bms_is_member(var->varno, exposure->only))
		return 0;
	foreach(lc, exposure->columns)
	{
		const KeyapiExposedColumn *column = lfirst(lc);

		if (column->varno != var->varno)
			continue;
		if (column->attnum == var->varattno || var->varattno == 0)
			params |= column->params;
		known = true;
	}
	if (known && (params == 0 || var->varattno == 0))
		params |= KEYAPI_DATA_BIT;
	return params;
}

void
keyapi_expose_parents(KeyapiExposure *exposure, PlannerInfo *root)
{
	ListCell   *lc;

	if (root->append_rel_array == NULL)
		return;
	/* the list grows as it is read, up to the topmost parents */
	foreach(lc, exposure->columns)
	{
		const KeyapiExposedColumn *column = lfirst(lc);
		AppendRelInfo *appinfo = root->append_rel_array[column->varno];
		KeyapiExposure this_column = {list_make1((void *) column)};
		ListCell   *lv;

		if (appinfo == NULL)
			continue;
		foreach(lv, appinfo->translated_vars)
			keyapi_expose(exposure, appinfo->parent_relid,
						  foreach_current_index(lv) + 1,
						  keyapi_params_in(lfirst(lv), keyapi_exposed_var_params,
										   &this_column));
	}
}

KeyapiExposure
keyapi_scan_exposure(const KeyapiScanTable *table, PlannerInfo *root)
{
	KeyapiExposure exposure = {NIL, NULL};

	for (int i = 0; i < table->endpoint->nparams; i++)
	{
		if (table->params[i] != 0)
			keyapi_expose(&exposure, table->varno, table->params[i],
						  KEYAPI_PARAM_BIT(i));
	}
	keyapi_expose_parents(&exposure, root);
	return exposure;
}

void
keyapi_expose_outputs(KeyapiExposure *exposure, Index varno,
					  const uint32 *outputs, int noutputs)
{
	for (int i = 0; i < noutputs; i++)
		keyapi_expose(exposure, varno, i + 1, outputs[i]);
}

List *
keyapi_output_columns(const Query *query)
{
	return query->commandType == CMD_SELECT ? query->targetList :
		query->returningList;
}

uint32 *
keyapi_exposed_outputs(const Query *query, KeyapiExposure *exposure)
{
	List	   *columns = keyapi_output_columns(query);
	uint32	   *outputs = palloc0(sizeof(uint32) * (list_length(columns) + 1));
	ListCell   *lc;

	foreach(lc, columns)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		outputs[entry->resno - 1] = keyapi_params_in((Node *) entry->expr,
													 keyapi_exposed_var_params,
													 exposure);
	}
	return outputs;
}
