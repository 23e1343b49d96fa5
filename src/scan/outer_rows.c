/*-------------------------------------------------------------------------
 *
 * outer_rows.c
 *	  The outer rows of a nested loop, seen before the loop comes to them.
 *
 * The outer plan is initialised once more in the same executor, so it sees the same
 * snapshot and the same parameters, and is run apart from the loop.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/outer_rows.h"

#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "scan/repeatable.h"

/* A param of the loop that the scan uses. */
typedef struct LoopParam
{
	int			number;			/* in es_param_exec_vals */
	AttrNumber	attribute;		/* of the outer row */
	int16		len;			/* of its type */
	bool		by_value;
} LoopParam;

struct KeyapiOuterRow
{
	uint32		hash;
	NullableDatum values[FLEXIBLE_ARRAY_MEMBER];	/* of each LoopParam */
};

struct KeyapiOuterRows
{
	EState	   *estate;
	MemoryContext context;		/* of the rows */
	PlanState  *plan;			/* NULL after the last row */
	Bitmapset  *loop_params;	/* all params that the loop sets */
	LoopParam  *params;
	int			nparams;
	struct rowtable_hash *seen;
};

/* The rows that came before, by their values. */
typedef struct RowEntry
{
	KeyapiOuterRow *row;
	char		status;			/* simplehash's own */
} RowEntry;

static bool same_values(const KeyapiOuterRows *rows, const KeyapiOuterRow *a,
						const KeyapiOuterRow *b);

#define SH_PREFIX rowtable
#define SH_ELEMENT_TYPE RowEntry
#define SH_KEY_TYPE KeyapiOuterRow *
#define SH_KEY row
#define SH_HASH_KEY(tb, key) ((key)->hash)
#define SH_EQUAL(tb, a, b) same_values((tb)->private_data, a, b)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

bool
keyapi_outer_rows_may_be_seen(const PlannedStmt *statement, const NestLoop *loop,
							  const Plan *scan)
{
	const Plan *outer = loop->join.plan.lefttree;
	ListCell   *lc;

	/* a scan that has no rows starts at the cost of a request */
	if (outer->total_cost > scan->startup_cost ||
		!keyapi_plan_is_repeatable(statement, outer))
		return false;
	foreach(lc, loop->nestParams)
	{
		if (bms_is_member(((NestLoopParam *) lfirst(lc))->paramno, scan->extParam))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------------
 * Begin and end
 * ---------------------------------------------------------------------
 */

static void
add_param(KeyapiOuterRows *rows, const NestLoopParam *param)
{
	Form_pg_attribute attribute =
	TupleDescAttr(ExecGetResultType(rows->plan), param->paramval->varattno - 1);

	rows->params[rows->nparams++] = (LoopParam)
	{
		.number = param->paramno,
			.attribute = param->paramval->varattno,
			.len = attribute->attlen,
			.by_value = attribute->attbyval,
	};
}

KeyapiOuterRows *
keyapi_outer_rows_begin(EState *estate, const NestLoop *loop, const Plan *scan)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	KeyapiOuterRows *rows = palloc0(sizeof(KeyapiOuterRows));
	ListCell   *lc;

	rows->estate = estate;
	rows->context = AllocSetContextCreate(CurrentMemoryContext,
										  "keyapi_fdw outer rows",
										  ALLOCSET_DEFAULT_SIZES);
	rows->plan = ExecInitNode(loop->join.plan.lefttree, estate, 0);
	rows->params = palloc(sizeof(LoopParam) * list_length(loop->nestParams));
	foreach(lc, loop->nestParams)
	{
		const NestLoopParam *param = lfirst(lc);

		rows->loop_params = bms_add_member(rows->loop_params, param->paramno);
		if (bms_is_member(param->paramno, scan->extParam))
			add_param(rows, param);
	}
	rows->seen = rowtable_create(rows->context, 64, rows);
	MemoryContextSwitchTo(oldcontext);
	return rows;
}

static void
end_plan(KeyapiOuterRows *rows)
{
	if (rows->plan != NULL)
		ExecEndNode(rows->plan);
	rows->plan = NULL;
}

void
keyapi_outer_rows_end(KeyapiOuterRows *rows)
{
	end_plan(rows);
	MemoryContextDelete(rows->context);
}

bool
keyapi_outer_rows_lack(const KeyapiOuterRows *rows, const Bitmapset *params)
{
	return !bms_is_subset(params, rows->loop_params);
}

/* ---------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------
 */

static bool
same_values(const KeyapiOuterRows *rows, const KeyapiOuterRow *a,
			const KeyapiOuterRow *b)
{
	for (int i = 0; i < rows->nparams; i++)
	{
		if (a->values[i].isnull != b->values[i].isnull)
			return false;
		if (!a->values[i].isnull &&
			!datum_image_eq(a->values[i].value, b->values[i].value,
							rows->params[i].by_value, rows->params[i].len))
			return false;
	}
	return true;
}

/*
 * The values of the slot's row, in CurrentMemoryContext.
 */
static KeyapiOuterRow *
make_row(const KeyapiOuterRows *rows, TupleTableSlot *slot)
{
	KeyapiOuterRow *row = palloc(offsetof(KeyapiOuterRow, values) +
								 sizeof(NullableDatum) * rows->nparams);

	row->hash = 0;
	for (int i = 0; i < rows->nparams; i++)
	{
		const LoopParam *param = &rows->params[i];
		NullableDatum *value = &row->values[i];

		value->value = slot_getattr(slot, param->attribute, &value->isnull);
		if (value->isnull)
			continue;
		value->value = datumCopy(value->value, param->by_value, param->len);
		row->hash = hash_combine(row->hash,
								 datum_image_hash(value->value, param->by_value,
												  param->len));
	}
	return row;
}

static void
free_row(const KeyapiOuterRows *rows, KeyapiOuterRow *row)
{
	for (int i = 0; i < rows->nparams; i++)
	{
		if (!row->values[i].isnull && !rows->params[i].by_value)
			pfree(DatumGetPointer(row->values[i].value));
	}
	pfree(row);
}

/*
 * Note a row; NULL if its values came before.
 */
static KeyapiOuterRow *
note_row(KeyapiOuterRows *rows, TupleTableSlot *slot)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(rows->context);
	KeyapiOuterRow *row = make_row(rows, slot);
	bool		found;

	(void) rowtable_insert(rows->seen, row, &found);
	MemoryContextSwitchTo(oldcontext);
	if (!found)
		return row;
	free_row(rows, row);
	return NULL;
}

KeyapiOuterRow *
keyapi_outer_rows_next(KeyapiOuterRows *rows)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(rows->estate->es_query_cxt);
	KeyapiOuterRow *row = NULL;

	while (rows->plan != NULL && row == NULL)
	{
		TupleTableSlot *slot = ExecProcNode(rows->plan);

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			end_plan(rows);
		else
			row = note_row(rows, slot);
	}
	MemoryContextSwitchTo(oldcontext);
	return row;
}

void
keyapi_outer_row_swap(KeyapiOuterRows *rows, KeyapiOuterRow *row)
{
	for (int i = 0; i < rows->nparams; i++)
	{
		ParamExecData *param = &rows->estate->es_param_exec_vals[rows->params[i].number];
		const NullableDatum other = {param->value, param->isnull};

		param->value = row->values[i].value;
		param->isnull = row->values[i].isnull;
		row->values[i] = other;
	}
}
