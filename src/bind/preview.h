/*-------------------------------------------------------------------------
 *
 * preview.h
 *	  What constants tell about a scan's lists and ranks before it runs, for
 *	  estimates and EXPLAIN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PREVIEW_H
#define KEYAPI_PREVIEW_H

#include "compat.h"

#include "bind/clauses.h"
#include "bind/source_values.h"
#include "bind/virtual_row.h"

/* What is known before a scan runs. */
typedef struct KeyapiPreview
{
	double		max_lists;		/* -1: unknown */
	bool		known[KEYAPI_MAX_PARAMS];	/* whether values is set */
	KeyapiTextSet values[KEYAPI_MAX_PARAMS];	/* that a list may have */
	bool		single[KEYAPI_MAX_PARAMS];	/* at most one value at a time */
	KeyapiRange ranks;			/* a superset of those read */
} KeyapiPreview;

/*
 * Preview a scan with these clauses.  Evaluates constants only, on a virtual row
 * of the table that was made without a parent; raises only what evaluating them
 * raises.  The values are palloc'd.
 */
extern void keyapi_preview(KeyapiPreview *preview, const KeyapiClauses *clauses,
						   KeyapiVirtualRow *row);

#endif							/* KEYAPI_PREVIEW_H */
