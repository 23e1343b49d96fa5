/*-------------------------------------------------------------------------
 *
 * body.h
 *	  The JSON documents that the API answers with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_BODY_H
#define EMULATOR_BODY_H

#include "buf.h"
#include "query.h"
#include "scenario.h"

/* All that the document of a page depends on. */
typedef struct PageSpec
{
	const Settings *settings;
	const Query *query;
	uint64_t	words;			/* of the settings and of the fault */
	const Fault *fault;			/* or NULL */
	long		churned;		/* videos that churn= has inserted so far */
	int64_t		expires;		/* of the covers, seconds since 1970 */
	const char *key;			/* to be echoed, or NULL */
} PageSpec;

/*
 * Append the document of a page up to what body_tail() appends: the request
 * id, which alone differs between two answers for one spec.
 */
extern void body_page(Buf *out, const PageSpec *spec);
extern void body_tail(Buf *out, const PageSpec *spec, uint64_t serial);

/* Append {"code": ..., "data": null, "message": ...}. */
extern void body_error(Buf *out, long code, const char *message);

/* Append the HTML page of a gateway that failed. */
extern void body_html(Buf *out, long status, const char *message);

#endif							/* EMULATOR_BODY_H */
