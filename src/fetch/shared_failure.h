/*-------------------------------------------------------------------------
 *
 * shared_failure.h
 *	  A failure as other sessions are told of it, and back.
 *
 * When others are told, and what they make of it: receive.c, send.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SHARED_FAILURE_H
#define KEYAPI_SHARED_FAILURE_H

#include "compat.h"

#include "api/failure.h"
#include "shared/single_flight.h"

/*
 * What to tell others.  Texts are clipped; the body is left out.
 */
extern KeyapiSharedFailure keyapi_shared_failure(const KeyapiFailure *failure);

/*
 * Fill *failure with what others have told; which page of which list it is, and
 * base_url, are left as they are.  Texts are palloc'd.
 */
extern void keyapi_shared_failure_read(const KeyapiSharedFailure *shared_failure,
									   KeyapiFailure *failure);

#endif							/* KEYAPI_SHARED_FAILURE_H */
