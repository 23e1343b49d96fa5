/*-------------------------------------------------------------------------
 *
 * clause.c
 *	  What one clause uses, which parameters it restricts, and folding.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/clause.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* ---------------------------------------------------------------------
 * Restricted parameters
 * ---------------------------------------------------------------------
 */

typedef struct RestrictedContext
{
	KeyapiVarParams var_params;
	void	   *arg;
	int			depth;			/* queries entered */
	uint32		params;
} RestrictedContext;

/*
 * Whether the argument of a NOT is EXISTS, before or after planning.  The planner
 * may have turned it into a hashed IN.  unknownEqFalse tells that from a real NOT
 * IN, which must distinguish NULL from false.
 */
static bool
is_exists(Node *node)
{
	if (IsA(node, AlternativeSubPlan))
		node = linitial(((AlternativeSubPlan *) node)->subplans);
	if (IsA(node, SubPlan))
	{
		SubPlan    *subplan = (SubPlan *) node;

		return subplan->subLinkType == EXISTS_SUBLINK ||
			(subplan->subLinkType == ANY_SUBLINK && subplan->unknownEqFalse);
	}
	return IsA(node, SubLink) &&
		((SubLink *) node)->subLinkType == EXISTS_SUBLINK;
}

static bool
restriction_walker(Node *node, void *arg)
{
	RestrictedContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varlevelsup == context->depth)
			context->params |= context->var_params(var, context->arg);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		context->depth++;
		result = query_tree_walker((Query *) node, restriction_walker, context, 0);
		context->depth--;
		return result;
	}
	/* the planner may drop IS NOT NULL on a NOT NULL column: never count it */
	if (IsA(node, NullTest) &&
		((NullTest *) node)->nulltesttype == IS_NOT_NULL)
		return false;
	if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop == NOT_EXPR &&
		is_exists(linitial(((BoolExpr *) node)->args)))
		return false;
	return expression_tree_walker(node, restriction_walker, context);
}

uint32
keyapi_params_in(Node *expr, KeyapiVarParams var_params, void *arg)
{
	RestrictedContext context = {var_params, arg};

	restriction_walker(expr, &context);
	return context.params;
}

/* ---------------------------------------------------------------------
 * What a clause depends on
 * ---------------------------------------------------------------------
 */

typedef struct UseContext
{
	const KeyapiScanTable *table;
	KeyapiClauseUse use;
} UseContext;

static void
add_var_use(Var *var, UseContext *context)
{
	const KeyapiScanTable *table = context->table;
	KeyapiClauseUse *use = &context->use;

	if (var->varno != table->varno || var->varlevelsup != 0)
		use->foreign = true;
	else if (var->varattno == InvalidAttrNumber)
		use->data = true;
	else if (var->varattno == table->rank || var->varattno == table->page)
		use->rank = true;
	else
	{
		uint32		params = keyapi_scan_var_params(var, (void *) table);

		use->params |= params;
		use->data |= params == 0;
	}
}

static bool
use_walker(Node *node, void *arg)
{
	UseContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		add_var_use((Var *) node, context);
		return false;
	}
	if (IsA(node, Param))
	{
		if (((Param *) node)->paramkind == PARAM_EXTERN)
			context->use.external = true;
		else
			context->use.internal = true;
	}
	return expression_tree_walker(node, use_walker, context);
}

KeyapiClauseUse
keyapi_clause_use(Node *clause, const KeyapiScanTable *table)
{
	UseContext	context = {.table = table};

	use_walker(clause, &context);
	context.use.evaluable = !contain_volatile_functions(clause) &&
		!contain_subplans(clause);
	return context.use;
}

/*
 * Whether an operation is x / n or x % n with a number n that makes it safe.
 */
static bool
is_safe_division(OpExpr *op)
{
	Oid			function = get_opcode(op->opno);
	Const	   *n;

	if (function != F_INT4DIV && function != F_INT4MOD &&
		function != F_INT8DIV && function != F_INT8MOD)
		return false;
	n = lsecond(op->args);
	if (!IsA(n, Const) || n->constisnull)
		return false;
	return n->consttype == INT4OID ? DatumGetInt32(n->constvalue) > 0 :
		DatumGetInt64(n->constvalue) > 0;
}

/*
 * Replace safe divisions by what they divide, so that contain_leaked_vars does
 * not see their functions.
 */
static Node *
safe_division_mutator(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, OpExpr) && is_safe_division((OpExpr *) node))
		return safe_division_mutator(linitial(((OpExpr *) node)->args), context);
	return expression_tree_mutator(node, safe_division_mutator, context);
}

/*
 * Comparisons are leakproof, so they raise no errors.  Division is not, but
 * "page % 5 = 0" is worth understanding.
 */
bool
keyapi_cannot_fail(Node *clause)
{
	return !contain_leaked_vars(safe_division_mutator(clause, NULL));
}

/* ---------------------------------------------------------------------
 * External parameters
 * ---------------------------------------------------------------------
 */

/*
 * Replace external parameters by their values, as a custom plan would have done.
 */
static Node *
fold_mutator(Node *node, void *arg)
{
	ParamListInfo params = arg;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Param	   *param = (Param *) node;
		ParamExternData workspace;
		ParamExternData *data;
		int16		typlen;
		bool		typbyval;

		if (params == NULL || param->paramid < 1 ||
			param->paramid > params->numParams)
			return (Node *) copyObject(param);
		data = params->paramFetch != NULL ?
			params->paramFetch(params, param->paramid, false, &workspace) :
			&params->params[param->paramid - 1];
		if (data->ptype != param->paramtype)
			return (Node *) copyObject(param);
		get_typlenbyval(param->paramtype, &typlen, &typbyval);
		return (Node *) makeConst(param->paramtype, param->paramtypmod,
								  param->paramcollid, typlen,
								  data->isnull ? (Datum) 0 :
								  datumCopy(data->value, typbyval, typlen),
								  data->isnull, typbyval);
	}
	return expression_tree_mutator(node, fold_mutator, params);
}

List *
keyapi_fold(List *clauses, ParamListInfo params)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Node	   *clause = fold_mutator(lfirst(lc), params);

		clause = eval_const_expressions(NULL, clause);
		result = list_concat(result, make_ands_implicit((Expr *) clause));
	}
	return result;
}
