/*-------------------------------------------------------------------------
 *
 * response.h
 *	  What a response means: a page of a list, or a failure.
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
 * Decode a body into *data, whose texts then live in CurrentMemoryContext; paths
 * are the npaths cells of each item (see decode.h).  The caller sets
 * failure->listing, and failure->cause to what is known without the body:
 * KEYAPI_OK if the body decides.  Returns the cause of failure, which *failure
 * then explains; that may point into the body.  Raises an ERROR on lack of
 * memory.
 */
extern KeyapiCause keyapi_body_read(const char *body, size_t body_len,
									const char *const *paths, int npaths,
									KeyapiDecoded *data,
									KeyapiFailure *failure);

/*
 * The same for the outcome of a transfer, which sets failure->cause too.
 */
extern KeyapiCause keyapi_response_read(const KeyapiHttpOutcome *outcome,
										const char *const *paths, int npaths,
										KeyapiDecoded *data,
										KeyapiFailure *failure);

#endif							/* KEYAPI_RESPONSE_H */
