/*-------------------------------------------------------------------------
 *
 * preview.h
 *	  What constants tell of a scan's lists and ranks before it runs: for
 *	  estimates and EXPLAIN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PREVIEW_H
#define KEYAPI_PREVIEW_H

#include "compat.h"

#include "bind/clause.h"
#include "bind/source_values.h"
#include "options/option.h"

/* What is known of a scan's lists before it runs. */
typedef struct KeyapiPreview
{
	double		max_lists;		/* -1: unknown */
	bool		known[KEYAPI_MAX_PARAMS];	/* whether the next is right */
	KeyapiTextSet values[KEYAPI_MAX_PARAMS];	/* that a list may have */
	bool		single[KEYAPI_MAX_PARAMS];	/* at most one value at a time */
	KeyapiRange ranks;			/* a superset of those read */
} KeyapiPreview;

/*
 * The outlook on a scan of the relation with these clauses.  Evaluates
 * constants only; raises nothing of its own.
 */
extern void keyapi_preview(KeyapiPreview *preview, Relation rel,
						   const KeyapiScanColumns *columns,
						   const KeyapiTableOptions *options,
						   List *clauses, uint32 restricted);

#endif							/* KEYAPI_PREVIEW_H */
