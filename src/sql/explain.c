/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  EXPLAIN: what a scan is bound to, why, and what it may cost.
 *
 *-------------------------------------------------------------------------
 */
#include "sql/explain.h"

#include "compat.h"

#include KEYAPI_EXPLAIN_FORMAT_H
#include KEYAPI_EXPLAIN_STATE_H
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "bind/clauses.h"
#include "bind/plan_private.h"
#include "bind/preview.h"
#include "bind/unbound.h"
#include "bind/virtual_row.h"
#include "options/option.h"
#include "scan/look_beyond.h"
#include "scan/scan.h"
#include "shared/cache.h"
#include "shared/shared_memory.h"

/* Values of a parameter that are shown before the rest is only counted. */
#define MAX_SHOWN_VALUES 10

/* What is described. */
typedef struct Description
{
	ExplainState *es;
	Relation	rel;
	const KeyapiTableOptions *options;
	const KeyapiScanTable *table;
	KeyapiPlanPrivate private;
	KeyapiClauses *clauses;
	KeyapiPreview preview;
	char	   *error;			/* what keeps the scan from running, or NULL */
} Description;

static void
init_description(Description *d, ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	KeyapiVirtualRow *row;

	memset(d, 0, sizeof(*d));
	d->es = es;
	d->rel = node->ss.ss_currentRelation;
	d->options = keyapi_table_options(RelationGetRelid(d->rel));
	d->table = keyapi_scan_table(d->rel, plan->scan.scanrelid, d->options);
	keyapi_plan_private_unpack(&d->private, plan->fdw_private);
	d->clauses = keyapi_clauses(d->table, plan->scan.plan.qual,
								&d->private.restrictions);
	row = keyapi_virtual_row(d->table, NULL);
	keyapi_preview(&d->preview, d->clauses, row);
	keyapi_virtual_row_free(row);
}

/* ---------------------------------------------------------------------
 * Binding
 * ---------------------------------------------------------------------
 */

static void
append_literal(StringInfo buf, const KeyapiParam *param, const char *value)
{
	appendStringInfoString(buf, param->type == KEYAPI_PARAM_TEXT ?
						   quote_literal_cstr(value) : value);
}

static void
append_values(StringInfo buf, const KeyapiParam *param,
			  const KeyapiTextSet *values)
{
	if (values->n == 1)
	{
		appendStringInfo(buf, "%s = ", param->name);
		append_literal(buf, param, values->texts[0]);
		return;
	}
	appendStringInfo(buf, "%s IN (", param->name);
	for (int i = 0; i < Min(values->n, MAX_SHOWN_VALUES); i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_literal(buf, param, values->texts[i]);
	}
	if (values->n > MAX_SHOWN_VALUES)
		appendStringInfo(buf, ", and %d more", values->n - MAX_SHOWN_VALUES);
	appendStringInfoChar(buf, ')');
}

/*
 * The value that a column is compared with.  It is part of the node's filter,
 * which EXPLAIN has just shown.  So es->deparse_cxt is still that of this node, as
 * names of other relations' columns need it.
 */
static char *
value_text(const Description *d, const KeyapiParam *param, Expr *value)
{
	if (IsA(value, Const) && exprType((Node *) value) == TEXTOID &&
		!((Const *) value)->constisnull)
	{
		StringInfoData buf;

		initStringInfo(&buf);
		append_literal(&buf, param,
					   TextDatumGetCString(((Const *) value)->constvalue));
		return buf.data;
	}
	return deparse_expression((Node *) value, d->es->deparse_cxt, true, false);
}

static void
append_source(StringInfo buf, const Description *d, const KeyapiParam *param,
			  const KeyapiSource *source)
{
	bool		first = true;
	ListCell   *lc;

	switch (source->kind)
	{
		case KEYAPI_SOURCE_OPEN:
		case KEYAPI_SOURCE_NONE:
			appendStringInfo(buf, "%s IN ()", param->name);
			break;
		case KEYAPI_SOURCE_VALUE:
			appendStringInfo(buf, "%s %s %s", param->name,
							 source->is_like ? "LIKE" : "=",
							 value_text(d, param, source->value));
			break;
		case KEYAPI_SOURCE_ARRAY:
			appendStringInfo(buf, "%s = ANY (%s)", param->name,
							 value_text(d, param, source->value));
			break;
		case KEYAPI_SOURCE_AND:
		case KEYAPI_SOURCE_OR:
			foreach(lc, source->args)
			{
				const KeyapiSource *arg = lfirst(lc);
				bool		parens = arg->kind == KEYAPI_SOURCE_OR &&
				source->kind == KEYAPI_SOURCE_AND;

				if (!first)
					appendStringInfoString(buf,
										   source->kind == KEYAPI_SOURCE_AND ?
										   " AND " : " OR ");
				if (parens)
					appendStringInfoChar(buf, '(');
				append_source(buf, d, param, arg);
				if (parens)
					appendStringInfoChar(buf, ')');
				first = false;
			}
			break;
	}
}

/*
 * Append what one parameter is bound to.
 */
static void
append_binding(StringInfo buf, Description *d, int i)
{
	const KeyapiParam *param = &d->options->endpoint->params[i];
	bool		restricted = (d->clauses->restricted & KEYAPI_PARAM_BIT(i)) != 0;
	bool		conflict = (d->private.restrictions.conflicts & KEYAPI_PARAM_BIT(i)) != 0;
	const KeyapiSource *source = d->clauses->sources.params[i];

	if (restricted && source->kind != KEYAPI_SOURCE_OPEN &&
		source->kind != KEYAPI_SOURCE_NONE &&
		!keyapi_source_is_constant(source))
	{
		append_source(buf, d, param, source);
		if (source->may_vanish && !source->is_like)
			appendStringInfoString(buf, " (or default)");
	}
	else if (d->preview.known[i] && (restricted || !conflict))
	{
		append_values(buf, param, &d->preview.values[i]);
		if (!restricted)
			appendStringInfoString(buf, " (default)");
	}
	else
	{
		appendStringInfo(buf, "%s unbound", param->name);
		if (d->error == NULL)
			d->error = keyapi_unbound_message(d->clauses, i);
	}
}

static void
explain_binding(Description *d)
{
	StringInfoData buf;

	if (d->options->endpoint->nparams == 0)
		return;
	initStringInfo(&buf);
	for (int i = 0; i < d->options->endpoint->nparams; i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, ", ");
		append_binding(&buf, d, i);
	}
	ExplainPropertyText("Binding", d->error == NULL && d->preview.max_lists == 0 ?
						"none" : buf.data, d->es);
	if (d->error != NULL)
		ExplainPropertyText("Error", d->error, d->es);
}

/* ---------------------------------------------------------------------
 * Order and price
 * ---------------------------------------------------------------------
 */

static void
explain_order(const Description *d)
{
	const KeyapiOrder *order = &d->private.order;
	StringInfoData buf;

	if (order->nkeys == 0 && !order->rank_major)
		return;
	initStringInfo(&buf);
	if (order->rank_major)
		appendStringInfoString(&buf, order->nkeys > 0 ? "rank, " : "rank");
	for (int i = 0; i < order->nkeys; i++)
		appendStringInfo(&buf, "%s%s%s", i > 0 ? ", " : "",
						 d->options->endpoint->params[order->keys[i].param].name,
						 order->keys[i].descending ? " DESC" : "");
	if (!order->rank_major)
		appendStringInfoString(&buf, ", rank");
	ExplainPropertyText("List Order", buf.data, d->es);
}

static void
explain_ranks(const Description *d)
{
	const KeyapiRange *ranks = &d->preview.ranks;
	char	   *text;

	if (ranks->lo == 1 && ranks->hi == PG_INT64_MAX)
		return;
	if (ranks->lo > ranks->hi)
		text = pstrdup("none");
	else if (ranks->hi == PG_INT64_MAX)
		text = psprintf(INT64_FORMAT "..", ranks->lo);
	else
		text = psprintf(INT64_FORMAT ".." INT64_FORMAT, ranks->lo, ranks->hi);
	ExplainPropertyText("Rank Range", text, d->es);
}

/*
 * The pages that one list of the usual length has in the range of ranks.
 */
static int64
max_pages_per_list(const Description *d)
{
	const KeyapiRange *ranks = &d->preview.ranks;
	int64		page_size = d->options->page_size;
	int64		last = Min(ranks->hi, d->options->endpoint->typical_rows);

	if (ranks->lo > ranks->hi)
		return 0;
	/* beyond the end, one request finds the end */
	if (ranks->lo > last)
		return 1;
	if (d->private.max_rows >= 0 && d->preview.max_lists == 1)
		last = Min(last, ranks->lo + d->private.max_rows - 1);
	return (last - 1) / page_size - (ranks->lo - 1) / page_size + 1;
}

static void
explain_price(const Description *d)
{
	double		pages;

	if (d->preview.max_lists < 0 || d->error != NULL)
		return;
	pages = d->preview.max_lists * max_pages_per_list(d);
	ExplainPropertyFloat("Max Lists", NULL, d->preview.max_lists, 0, d->es);
	ExplainPropertyFloat("Max Pages", NULL, pages, 0, d->es);
	ExplainPropertyFloat("Max Credits", NULL,
						 pages * d->options->endpoint->credits, 0, d->es);
}

static void
explain_cache(const Description *d, ExplainState *es)
{
	Oid			serverid = GetForeignTable(RelationGetRelid(d->rel))->serverid;
	int			ttl = keyapi_cache_ttl(d->options, keyapi_server_options(serverid));

	ExplainPropertyText("Cache", !keyapi_cache_enabled(ttl) ? "off" :
						keyapi_shared_by_all() ? "shared" : "private", es);
}

static void
explain_bill(const KeyapiBill *bill, ExplainState *es)
{
	ExplainPropertyInteger("Lists", NULL, bill->lists, es);
	ExplainPropertyInteger("Requests", NULL, bill->cost.requests, es);
	ExplainPropertyInteger("Retries", NULL, bill->cost.retries, es);
	ExplainPropertyInteger("Cached Pages", NULL, bill->cost.cached_pages, es);
	ExplainPropertyInteger("Unread Pages", NULL, bill->unread_pages, es);
	if (bill->spilled_pages > 0)
		ExplainPropertyInteger("Pages Spilled", NULL, bill->spilled_pages, es);
	ExplainPropertyInteger("Duplicates", NULL, bill->duplicates, es);
	ExplainPropertyInteger("Bytes", NULL, bill->cost.bytes, es);
	ExplainPropertyInteger("Credits", NULL, bill->cost.credits, es);
	if (es->timing)
		ExplainPropertyFloat("HTTP Time", "ms", bill->cost.http_time_ms, 3, es);
}

void
keyapiExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	const KeyapiBill *bill = keyapi_scan_bill(node);
	Description d;

	init_description(&d, node, es);
	ExplainPropertyText("Endpoint", d.options->endpoint->path, es);
	explain_binding(&d);
	explain_order(&d);
	explain_ranks(&d);
	if (keyapi_looks_at_loop(node->ss.ps.state->es_plannedstmt, node->ss.ps.plan))
		ExplainPropertyText("Lists Ahead", "from the outer side of the loop", es);
	explain_price(&d);
	explain_cache(&d, es);
	if (bill != NULL)
		explain_bill(bill, es);
}
