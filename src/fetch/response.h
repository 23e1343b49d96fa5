/*-------------------------------------------------------------------------
 *
 * response.h
 *	  What a finished transfer means: a page of a list, or a failure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESPONSE_H
#define KEYAPI_RESPONSE_H

#include "compat.h"

#include "api/failure.h"
#include "http/http.h"
#include "json/decode.h"

/*
 * The cause of failure as far as it shows without looking into the body;
 * KEYAPI_OK if the body decides.
 */
extern KeyapiCause keyapi_response_cause(const KeyapiHttpOutcome *outcome);

/*
 * Decode the answer into *data, whose texts then live in CurrentMemoryContext;
 * paths are the npaths cells of each item (see decode.h).  failure->list is set
 * by the caller.  Returns the cause of failure, which *failure then explains; that
 * may point into *outcome.  Raises an ERROR on lack of memory.
 */
extern KeyapiCause keyapi_response_read(const KeyapiHttpOutcome *outcome,
										const char *const *paths, int npaths,
										KeyapiDecoded *data,
										KeyapiFailure *failure);

#endif							/* KEYAPI_RESPONSE_H */
