/*-------------------------------------------------------------------------
 *
 * patience.h
 *	  How long a session is willing to wait for a page, as its server's options
 *	  say.
 *
 * An API that answers after a second is down for a session that waits half a
 * second, and for no other.  So failures that others are told of carry the
 * patience of the session that met them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PATIENCE_H
#define KEYAPI_PATIENCE_H

#include "compat.h"

/* The options of these names. */
typedef struct KeyapiPatience
{
	int			connect_timeout_ms;
	int			request_timeout_ms;
	int			max_retries;
	int			max_retry_wait_ms;
} KeyapiPatience;

/* That of a failure which no patience would have changed. */
#define KEYAPI_ENDLESS_PATIENCE \
	((KeyapiPatience) {PG_INT32_MAX, PG_INT32_MAX, PG_INT32_MAX, PG_INT32_MAX})

/*
 * Whether a waits at least as long for an answer as b.
 */
static inline bool
keyapi_waits_as_long(const KeyapiPatience *a, const KeyapiPatience *b)
{
	return a->connect_timeout_ms >= b->connect_timeout_ms &&
		a->request_timeout_ms >= b->request_timeout_ms;
}

/*
 * ... and tries as often.
 */
static inline bool
keyapi_is_as_patient(const KeyapiPatience *a, const KeyapiPatience *b)
{
	return keyapi_waits_as_long(a, b) &&
		a->max_retries >= b->max_retries &&
		a->max_retry_wait_ms >= b->max_retry_wait_ms;
}

#endif							/* KEYAPI_PATIENCE_H */
