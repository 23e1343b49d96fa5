/*-------------------------------------------------------------------------
 *
 * shared_failure.h
 *	  A failure as other sessions are told of it, and back.
 *
 * When others are told: receive.c, give_up.c.  What they make of it: give_up.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SHARED_FAILURE_H
#define KEYAPI_SHARED_FAILURE_H

#include "compat.h"

#include "fetch/page_request.h"
#include "options/option.h"
#include "shared/single_flight.h"

/*
 * What to tell others of a failure that was met with these options.  Texts are
 * clipped; the body is left out.
 */
extern KeyapiSharedFailure keyapi_shared_failure(const KeyapiFailure *failure,
												 const KeyapiServerOptions *server);

/*
 * Tell the sessions that wait for a page that has FAILED, if this session leads
 * its flight: there is no use in asking for it.
 */
extern void keyapi_shared_failure_tell(const KeyapiPageRequest *request,
									   const KeyapiServerOptions *server);

/*
 * WAITING or FAILED -> FAILED: adopt what others have told.
 */
extern void keyapi_shared_failure_adopt(KeyapiPageRequest *request,
										const KeyapiSharedFailure *shared_failure,
										const KeyapiServerOptions *server);

#endif							/* KEYAPI_SHARED_FAILURE_H */
