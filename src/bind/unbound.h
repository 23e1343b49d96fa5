/*-------------------------------------------------------------------------
 *
 * unbound.h
 *	  Why a scan cannot run: a parameter whose values nothing tells (0A000).
 *
 * Many clients show nothing but the message, so it alone says what is wrong and
 * what to write.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_UNBOUND_H
#define KEYAPI_UNBOUND_H

#include "compat.h"

#include "bind/clauses.h"

/*
 * What is wrong with a scan of these clauses, given that they and the rest of the
 * query do not tell the values of a parameter.  Palloc'd.
 */
extern char *keyapi_unbound_message(const KeyapiClauses *clauses, int param);

/*
 * Raise it.
 */
pg_noreturn extern void keyapi_unbound_error(const KeyapiClauses *clauses,
											 int param);

#endif							/* KEYAPI_UNBOUND_H */
