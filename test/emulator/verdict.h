/*-------------------------------------------------------------------------
 *
 * verdict.h
 *	  What becomes of a request: served, refused or spoilt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_VERDICT_H
#define EMULATOR_VERDICT_H

#include "state.h"

/* A request as far as it decides about its fate. */
typedef struct Incoming
{
	const Settings *settings;
	bool		known_path;
	const char *key;			/* bearer token, or NULL */
	const Query *query;
	const char *query_error;	/* from query_parse() */
	long		number;			/* within its scenario, from 1 */
} Incoming;

typedef struct Verdict
{
	int			status;			/* HTTP status */
	const char *message;		/* of the error body, if status is not 200 */
	char		after[64];		/* Retry-After, "" = none */
	char		date[64];		/* Date, "" = the true one */
	const char *location;		/* or NULL */
	const Fault *fault;			/* that matched, or NULL */
	uint64_t	words;			/* of settings and fault */
	long		churned;		/* videos inserted by churn= so far */
	long		delay;			/* ms before anything happens */
} Verdict;

/* Decide, with state_lock held; this moves counters and buckets. */
extern Verdict verdict_of(Scenario *scenario, const Incoming *in);

#endif							/* EMULATOR_VERDICT_H */
