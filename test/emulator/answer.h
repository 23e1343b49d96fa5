/*-------------------------------------------------------------------------
 *
 * answer.h
 *	  A complete answer: status, headers that matter, body.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_ANSWER_H
#define EMULATOR_ANSWER_H

#include "verdict.h"

typedef struct Answer
{
	int			status;
	const char *content_type;
	bool		gzipped;
	const char *after;			/* Retry-After, "" = none */
	const char *date;			/* Date, "" = the true one */
	const char *location;		/* or NULL */
	Buf			body;			/* the caller's to free */
} Answer;

/*
 * Make the answer that a verdict calls for.  accepts_gzip: what the client
 * said; after points into the verdict.
 */
extern Answer answer_make(const Incoming *in, const Verdict *verdict,
						  bool accepts_gzip);

#endif							/* EMULATOR_ANSWER_H */
