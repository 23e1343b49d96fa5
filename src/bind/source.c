/*-------------------------------------------------------------------------
 *
 * source.c
 *	  A clause -> where the values of a column come from.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/source.h"

#include "access/stratnum.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "bind/clause.h"

/*
 * btree/numeric_ops, btree/float_ops and btree/enum_ops have no name in the
 * catalog headers
 */
#define NUMERIC_BTREE_FAM_OID 1988
#define FLOAT_BTREE_FAM_OID 1970
#define ENUM_BTREE_FAM_OID 3522

/* Strategies are symmetric around equality: 1 <, 2 <=, 3 =, 4 >=, 5 > */
#define COMMUTE_STRATEGY(strategy) \
	(BTGreaterStrategyNumber + BTLessStrategyNumber - (strategy))

typedef enum TargetKind
{
	TARGET_TEXT,				/* equality as text, char(n) or enum */
	TARGET_VALUE,				/* ... or as integer or boolean */
	TARGET_RANK					/* any comparison as number */
} TargetKind;

/* What is looked for in a tree. */
typedef struct Target
{
	const KeyapiScanTable *table;
	TargetKind	kind;
	AttrNumber	attnum;			/* TARGET_TEXT, TARGET_VALUE */
} Target;

/* How an expression shows the target's column. */
typedef struct TargetUse
{
	bool		of_page;		/* the page, not the rank */
	bool		as_text;		/* what another type's value is as text */
} TargetUse;

static KeyapiSource *source_of(Node *expr, const Target *target);

static KeyapiSource *
make_source(KeyapiSourceKind kind)
{
	KeyapiSource *source = palloc0(sizeof(KeyapiSource));

	source->kind = kind;
	return source;
}

/* ---------------------------------------------------------------------
 * Comparisons
 * ---------------------------------------------------------------------
 */

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID ||
		type == NUMERICOID || type == FLOAT4OID || type == FLOAT8OID;
}

/*
 * What is under a cast from number to number, which keeps the order; NULL if the
 * expression is no such cast.
 */
static Node *
under_number_cast(Node *expr)
{
	FuncExpr   *cast = (FuncExpr *) expr;

	if (!IsA(expr, FuncExpr) || cast->funcformat == COERCE_EXPLICIT_CALL ||
		list_length(cast->args) != 1 || !is_number(cast->funcresulttype))
		return NULL;
	return linitial(cast->args);
}

/*
 * What is under a cast from char(n) or an enum to text, which gives different
 * values different texts; NULL if the expression is no such cast.
 */
static Node *
under_text_cast(Node *expr)
{
	if (IsA(expr, FuncExpr) && ((FuncExpr *) expr)->funcid == F_TEXT_BPCHAR)
		return linitial(((FuncExpr *) expr)->args);
	if (IsA(expr, CoerceViaIO))
	{
		CoerceViaIO *cast = (CoerceViaIO *) expr;

		if ((cast->resulttype == TEXTOID || cast->resulttype == VARCHAROID) &&
			type_is_enum(getBaseType(exprType((Node *) cast->arg))))
			return (Node *) cast->arg;
	}
	return NULL;
}

/*
 * The column under casts that keep what the target is compared by.  Relabelling
 * keeps the text.
 */
static Var *
bare_column(Node *expr, const Target *target, TargetUse *use)
{
	Node	   *arg = expr;

	while (arg != NULL && !IsA(arg, Var))
	{
		expr = arg;
		if (IsA(expr, RelabelType))
			arg = (Node *) ((RelabelType *) expr)->arg;
		else if (target->kind == TARGET_RANK)
			arg = under_number_cast(expr);
		else
		{
			arg = under_text_cast(expr);
			use->as_text = true;
		}
	}
	return (Var *) arg;
}

/*
 * Whether different values of a column stay different in an expression that is the
 * column under casts.  A text that was a char(n) on the way has lost its blanks.
 */
static bool
is_faithful(Node *expr, const Var *var, const TargetUse *use)
{
	Oid			type = getBaseType(var->vartype);

	return type == BPCHAROID || type_is_enum(type) ||
		(!use->as_text && getBaseType(exprType(expr)) != BPCHAROID);
}

/*
 * Whether an expression is the target's column; *use tells how.
 */
static bool
is_target(Node *expr, const Target *target, TargetUse *use)
{
	Var		   *var;
	Oid			type;
	int32		typmod;

	memset(use, 0, sizeof(*use));
	var = bare_column(expr, target, use);
	if (var == NULL || var->varno != target->table->varno ||
		var->varlevelsup != 0 || var->varattno <= 0)
		return false;
	if (target->kind != TARGET_RANK)
		return var->varattno == target->attnum && is_faithful(expr, var, use);
	typmod = var->vartypmod;
	type = getBaseTypeAndTypmod(var->vartype, &typmod);
	/* a numeric(p,s) may hold another number than the rank */
	if (!is_number(type) || (type == NUMERICOID && typmod >= 0))
		return false;
	use->of_page = var->varattno == target->table->page;
	return use->of_page || var->varattno == target->table->rank;
}

/*
 * Whether an expression can be evaluated before the scan's first row.
 */
static bool
is_value(Node *expr, const Target *target)
{
	KeyapiClauseUse use = keyapi_clause_use(expr, target->table);

	return use.params == 0 && !use.rank && !use.data && use.evaluable;
}

/*
 * The btree strategy of an operator in the families that count, or 0.
 */
static int
operator_strategy(Oid opno, Oid collation, const Target *target)
{
	int			strategy;

	if (target->kind != TARGET_RANK)
	{
		strategy = get_op_opfamily_strategy(opno, TEXT_BTREE_FAM_OID);
		if (strategy == 0)
			strategy = get_op_opfamily_strategy(opno, BPCHAR_BTREE_FAM_OID);
		if (strategy == 0)
			strategy = get_op_opfamily_strategy(opno, ENUM_BTREE_FAM_OID);
		if (strategy == BTEqualStrategyNumber &&
			(!OidIsValid(collation) || get_collation_isdeterministic(collation)))
			return strategy;
		if (target->kind == TARGET_TEXT)
			return 0;
		strategy = get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID);
		if (strategy == 0)
			strategy = get_op_opfamily_strategy(opno, BOOL_BTREE_FAM_OID);
		return strategy == BTEqualStrategyNumber ? strategy : 0;
	}
	strategy = get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID);
	if (strategy == 0)
		strategy = get_op_opfamily_strategy(opno, NUMERIC_BTREE_FAM_OID);
	if (strategy == 0)
		strategy = get_op_opfamily_strategy(opno, FLOAT_BTREE_FAM_OID);
	return strategy;
}

/*
 * column LIKE pattern.  Without wildcards, LIKE is equality; an external
 * parameter may still turn out to have none.
 */
static KeyapiSource *
source_of_like(OpExpr *op, const Target *target)
{
	Node	   *pattern = lsecond(op->args);
	KeyapiSource *source = make_source(KEYAPI_SOURCE_OPEN);
	TargetUse	use;

	if (op->opno != OID_TEXT_LIKE_OP || target->kind == TARGET_RANK ||
		!is_target(linitial(op->args), target, &use) ||
		!get_collation_isdeterministic(op->inputcollid))
		return source;
	if (IsA(pattern, Const) && !((Const *) pattern)->constisnull &&
		strpbrk(TextDatumGetCString(((Const *) pattern)->constvalue), "%_\\") != NULL)
		return source;
	if (!IsA(pattern, Const) &&
		!(IsA(pattern, Param) && ((Param *) pattern)->paramkind == PARAM_EXTERN))
		return source;
	source->kind = KEYAPI_SOURCE_VALUE;
	source->strategy = BTEqualStrategyNumber;
	source->value = (Expr *) pattern;
	source->is_like = source->may_vanish = IsA(pattern, Param);
	source->exact = IsA(pattern, Const) && !use.as_text;
	return source;
}

/*
 * column OP value, either way round.  Also for DistinctExpr, whose operator is
 * equality.
 */
static KeyapiSource *
source_of_comparison(OpExpr *op, const Target *target)
{
	KeyapiSource *source;
	Node	   *value;
	int			strategy;
	bool		commuted;
	TargetUse	use;

	if (list_length(op->args) != 2)
		return make_source(KEYAPI_SOURCE_OPEN);
	commuted = !is_target(linitial(op->args), target, &use);
	if (commuted && !is_target(lsecond(op->args), target, &use))
		return make_source(KEYAPI_SOURCE_OPEN);
	value = commuted ? linitial(op->args) : lsecond(op->args);
	strategy = operator_strategy(op->opno, op->inputcollid, target);
	if (strategy == 0)
		return source_of_like(op, target);
	if (!is_value(value, target))
		return make_source(KEYAPI_SOURCE_OPEN);
	if (IsA(value, Const) && ((Const *) value)->constisnull)
		return make_source(KEYAPI_SOURCE_NONE);
	source = make_source(KEYAPI_SOURCE_VALUE);
	source->of_page = use.of_page;
	source->exact = !use.as_text;
	source->strategy = commuted ? COMMUTE_STRATEGY(strategy) : strategy;
	source->value = (Expr *) value;
	return source;
}

static KeyapiSource *
source_of_array(ScalarArrayOpExpr *op, const Target *target)
{
	Node	   *array = lsecond(op->args);
	KeyapiSource *source;
	int			strategy;
	TargetUse	use;

	strategy = operator_strategy(op->opno, op->inputcollid, target);
	if (!op->useOr || strategy == 0 ||
		!is_target(linitial(op->args), target, &use) ||
		!is_value(array, target))
		return make_source(KEYAPI_SOURCE_OPEN);
	if (IsA(array, Const) && ((Const *) array)->constisnull)
		return make_source(KEYAPI_SOURCE_NONE);
	source = make_source(KEYAPI_SOURCE_ARRAY);
	source->of_page = use.of_page;
	source->exact = !use.as_text;
	source->strategy = strategy;
	source->value = (Expr *) array;
	return source;
}

/* ---------------------------------------------------------------------
 * Logic
 * ---------------------------------------------------------------------
 */

/*
 * Whether a condition is known as soon as the external parameters are: then
 * folding removes it from the clause.
 */
static bool
folds_away(Node *expr, const Target *target)
{
	KeyapiClauseUse use = keyapi_clause_use(expr, target->table);

	return use.external && !use.internal && use.evaluable &&
		use.params == 0 && !use.rank && !use.data && !use.foreign &&
		!contain_mutable_functions(expr);
}

KeyapiSource *
keyapi_source_and(List *sources)
{
	KeyapiSource *result = make_source(KEYAPI_SOURCE_AND);
	ListCell   *lc;

	result->may_vanish = true;
	result->exact = true;
	foreach(lc, sources)
	{
		KeyapiSource *source = lfirst(lc);

		if (source->kind == KEYAPI_SOURCE_NONE)
			return source;
		result->exact &= source->exact;
		if (source->kind == KEYAPI_SOURCE_OPEN)
			continue;
		result->args = lappend(result->args, source);
		result->may_vanish &= source->may_vanish;
	}
	if (result->args == NIL)
		return make_source(KEYAPI_SOURCE_OPEN);
	if (list_length(result->args) == 1)
	{
		bool		exact = result->exact;

		*result = *(KeyapiSource *) linitial(result->args);
		result->exact = exact;
	}
	return result;
}

static KeyapiSource *
source_of_and(List *args, const Target *target)
{
	List	   *sources = NIL;
	ListCell   *lc;

	foreach(lc, args)
		sources = lappend(sources, source_of(lfirst(lc), target));
	return keyapi_source_and(sources);
}

static KeyapiSource *
source_of_or(List *args, const Target *target)
{
	KeyapiSource *result = make_source(KEYAPI_SOURCE_OR);
	ListCell   *lc;

	result->exact = true;
	foreach(lc, args)
	{
		KeyapiSource *source;

		if (folds_away(lfirst(lc), target))
		{
			result->may_vanish = true;
			continue;
		}
		source = source_of(lfirst(lc), target);
		if (source->kind == KEYAPI_SOURCE_OPEN)
			return source;
		if (source->kind == KEYAPI_SOURCE_NONE)
			continue;
		result->args = lappend(result->args, source);
		result->may_vanish |= source->may_vanish;
		result->exact &= source->exact;
	}
	if (result->args == NIL)
		result->kind = KEYAPI_SOURCE_NONE;
	return result;
}

/*
 * IS NOT DISTINCT FROM; everything else under a NOT bounds nothing.
 */
static KeyapiSource *
source_of_not(Node *arg, const Target *target)
{
	if (IsA(arg, DistinctExpr))
		return source_of_comparison((OpExpr *) arg, target);
	return make_source(KEYAPI_SOURCE_OPEN);
}

static KeyapiSource *
source_of_null_test(NullTest *test, const Target *target)
{
	TargetUse	use;

	if (test->nulltesttype == IS_NULL &&
		is_target((Node *) test->arg, target, &use))
		return make_source(KEYAPI_SOURCE_NONE);
	return make_source(KEYAPI_SOURCE_OPEN);
}

static KeyapiSource *
source_of_const(Const *value)
{
	if (value->constisnull || !DatumGetBool(value->constvalue))
		return make_source(KEYAPI_SOURCE_NONE);
	return make_source(KEYAPI_SOURCE_OPEN);
}

static KeyapiSource *
source_of_bool(BoolExpr *expr, const Target *target)
{
	switch (expr->boolop)
	{
		case AND_EXPR:
			return source_of_and(expr->args, target);
		case OR_EXPR:
			return source_of_or(expr->args, target);
		case NOT_EXPR:
			return source_of_not(linitial(expr->args), target);
	}
	return make_source(KEYAPI_SOURCE_OPEN);
}

static KeyapiSource *
source_of(Node *expr, const Target *target)
{
	switch (nodeTag(expr))
	{
		case T_Const:
			return source_of_const((Const *) expr);
		case T_OpExpr:
			return source_of_comparison((OpExpr *) expr, target);
		case T_ScalarArrayOpExpr:
			return source_of_array((ScalarArrayOpExpr *) expr, target);
		case T_BoolExpr:
			return source_of_bool((BoolExpr *) expr, target);
		case T_BooleanTest:
			if (((BooleanTest *) expr)->booltesttype == IS_TRUE)
				return source_of((Node *) ((BooleanTest *) expr)->arg, target);
			break;
		case T_NullTest:
			return source_of_null_test((NullTest *) expr, target);
		default:
			break;
	}
	return make_source(KEYAPI_SOURCE_OPEN);
}

static TargetKind
kind_of_param(const KeyapiParam *param)
{
	return param->type == KEYAPI_PARAM_TEXT && param->domain == NULL ?
		TARGET_TEXT : TARGET_VALUE;
}

bool
keyapi_param_is_comparable(const KeyapiScanTable *table, int param)
{
	Form_pg_attribute attr = TupleDescAttr(table->tupdesc,
										   table->params[param] - 1);
	TargetKind	kind = kind_of_param(&table->endpoint->params[param]);
	Oid			type = getBaseType(attr->atttypid);

	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
		case BPCHAROID:
			return true;
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return kind == TARGET_VALUE;
		default:
			return type_is_enum(type);
	}
}

KeyapiSource *
keyapi_param_source(Node *clause, const KeyapiScanTable *table, int param)
{
	Target		target = {
		.table = table,
		.kind = kind_of_param(&table->endpoint->params[param]),
		.attnum = table->params[param],
	};

	if (target.attnum == 0)
		return make_source(KEYAPI_SOURCE_OPEN);
	return source_of(clause, &target);
}

KeyapiSource *
keyapi_rank_source(Node *clause, const KeyapiScanTable *table)
{
	Target		target = {.table = table,.kind = TARGET_RANK};

	if (table->rank == 0 && table->page == 0)
		return make_source(KEYAPI_SOURCE_OPEN);
	return source_of(clause, &target);
}
