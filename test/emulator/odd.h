/*-------------------------------------------------------------------------
 *
 * odd.h
 *	  The endpoints of test/unit/odd_endpoints.c, which no real API has.
 *
 * Less than the real one: they know the settings total=, lietotal= and shift=,
 * and the faults that concern the status alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_ODD_H
#define EMULATOR_ODD_H

#include "buf.h"
#include "query.h"
#include "scenario.h"

/*
 * The odd endpoint that a path ends with, or ODD_NONE.
 */
extern OddKind odd_kind(const char *path);

/*
 * As query_parse(), for the odd endpoint that query->odd says.  Each of its
 * parameters must be there.
 */
extern const char *odd_query_parse(const char *raw, Query *query);

/* Append the document of a page. */
extern void odd_page(Buf *out, const Settings *settings, const Query *query);

/*
 * The document of an error of odd/things.
 */
extern void odd_error(Buf *out, long code, const char *message);

#endif							/* EMULATOR_ODD_H */
