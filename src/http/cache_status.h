/*-------------------------------------------------------------------------
 *
 * cache_status.h
 *	  What the header Cache-Status of a response says.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CACHE_STATUS_H
#define KEYAPI_CACHE_STATUS_H

#include "compat.h"

/*
 * Whether a value of Cache-Status (RFC 9211: a list of caches with parameters)
 * says that one of them had the response, so that the request went no further.
 * What does not follow RFC 8941 says nothing: false.
 */
extern bool keyapi_cache_status_is_hit(const char *value);

#endif							/* KEYAPI_CACHE_STATUS_H */
