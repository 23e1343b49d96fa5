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
 * Memory of a context, as json/ wants it.
 */
extern KeyapiAllocator keyapi_allocator(MemoryContext context);

/*
 * The page that the outcome of a transfer holds, in the memory of kept pages, to
 * which the caller is to give it; NULL if it holds none, which *failure then
 * explains.  The caller sets failure->listing; texts of the failure live in
 * CurrentMemoryContext or are the outcome's.  Raises an ERROR on lack of memory.
 */
extern const KeyapiBlock *keyapi_response_read(const KeyapiHttpOutcome *outcome,
											   KeyapiFailure *failure);

#endif							/* KEYAPI_RESPONSE_H */
