/*-------------------------------------------------------------------------
 *
 * lookalike.c
 *	  Whether a condition on a column that looks like a parameter leaves
 *	  anything of a default list.
 *
 * The executor does not tell a scan which of its rows pass the filter.  So the
 * condition is evaluated here once more, until the first row passes.
 *
 *-------------------------------------------------------------------------
 */
#include "scan/lookalike.h"

#include "executor/executor.h"

struct KeyapiLookalikeCheck
{
	KeyapiLookalike lookalike;
	ExprContext *econtext;
	ExprState  *condition;
	bool		passed;			/* a row satisfied it */
	bool		ended;			/* a pass was read to its end */
	int64		rows;			/* that did not satisfy it */
};

KeyapiLookalikeCheck *
keyapi_lookalike_check(ForeignScanState *node, const KeyapiBinding *binding)
{
	KeyapiLookalikeCheck *check = palloc0(sizeof(KeyapiLookalikeCheck));

	if (!keyapi_binding_lookalike(binding, &check->lookalike))
		return NULL;
	check->econtext = node->ss.ps.ps_ExprContext;
	check->condition = ExecInitQual(check->lookalike.clauses, &node->ss.ps);
	return check;
}

void
keyapi_lookalike_row(KeyapiLookalikeCheck *check, TupleTableSlot *slot)
{
	if (check == NULL || check->passed)
		return;
	check->econtext->ecxt_scantuple = slot;
	check->passed = ExecQual(check->condition, check->econtext);
	check->rows++;
}

void
keyapi_lookalike_end_of_pass(KeyapiLookalikeCheck *check)
{
	if (check != NULL)
		check->ended = true;
}

void
keyapi_lookalike_finish(const KeyapiLookalikeCheck *check)
{
	if (check == NULL || check->passed || !check->ended || check->rows == 0)
		return;
	ereport(WARNING,
			(errmsg("no %s of the default %s \"%s\" satisfies the condition on \"%s\": write %s = ... to choose a list",
					check->lookalike.item, check->lookalike.param,
					check->lookalike.value, check->lookalike.column,
					check->lookalike.param),
			 errdetail("%lld rows were read. A condition on \"%s\" chooses no list, it only filters the rows.",
					   (long long) check->rows, check->lookalike.column)));
}
