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
	Bitmapset  *ignored;		/* relations whose Vars do not count here */
	Bitmapset  *with_data;		/* relations of which data was met */
	uint32		params;			/* what counted Vars stand for */
} RestrictedContext;

static bool restriction_walker(Node *node, void *arg);

/*
 * Whether a node is NOT EXISTS or NOT IN, before or after planning.  The planner
 * makes anti joins of some of them.
 */
static bool
is_anti_join(Node *node)
{
	if (!IsA(node, BoolExpr) || ((BoolExpr *) node)->boolop != NOT_EXPR)
		return false;
	node = linitial(((BoolExpr *) node)->args);
	/* an EXISTS that may yet become a hashed IN */
	if (IsA(node, AlternativeSubPlan))
		return true;
	if (IsA(node, SubPlan))
		return ((SubPlan *) node)->subLinkType == EXISTS_SUBLINK ||
			((SubPlan *) node)->subLinkType == ANY_SUBLINK;
	return IsA(node, SubLink) &&
		(((SubLink *) node)->subLinkType == EXISTS_SUBLINK ||
		 ((SubLink *) node)->subLinkType == ANY_SUBLINK);
}

/*
 * The relations whose data it uses are known after a first walk; their parameters
 * do not count in the second.
 */
static bool
anti_join_walker(Node *node, RestrictedContext *context)
{
	RestrictedContext first = *context;
	RestrictedContext second = *context;
	bool		result;

	first.with_data = NULL;
	(void) expression_tree_walker(node, restriction_walker, &first);
	second.ignored = bms_union(context->ignored, first.with_data);
	result = expression_tree_walker(node, restriction_walker, &second);
	context->params = second.params;
	context->with_data = bms_union(context->with_data, first.with_data);
	return result;
}

static void
add_restricted_var(Var *var, RestrictedContext *context)
{
	uint32		params = context->var_params(var, context->arg);

	/* a mark is of no relation; see restriction_marks.h */
	if (params != 0 && !IS_SPECIAL_VARNO(var->varno))
	{
		if ((params & KEYAPI_DATA_BIT) != 0)
			context->with_data = bms_add_member(context->with_data, var->varno);
		if (bms_is_member(var->varno, context->ignored))
			params &= KEYAPI_DATA_BIT;
	}
	context->params |= params;
}

static bool
restriction_walker(Node *node, void *arg)
{
	RestrictedContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == context->depth)
			add_restricted_var((Var *) node, context);
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
	if (is_anti_join(node))
		return anti_join_walker(node, context);
	return expression_tree_walker(node, restriction_walker, context);
}

uint32
keyapi_params_and_data_in(Node *expr, KeyapiVarParams var_params, void *arg)
{
	RestrictedContext context = {var_params, arg};

	restriction_walker(expr, &context);
	return context.params;
}

uint32
keyapi_params_in(Node *expr, KeyapiVarParams var_params, void *arg)
{
	return keyapi_params_and_data_in(expr, var_params, arg) & ~KEYAPI_DATA_BIT;
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

		use->params |= params & ~KEYAPI_DATA_BIT;
		use->data |= (params & KEYAPI_DATA_BIT) != 0;
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

static bool
external_param_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		return true;
	return expression_tree_walker(node, external_param_walker, context);
}

bool
keyapi_has_external_params(Node *expr)
{
	return external_param_walker(expr, NULL);
}

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
