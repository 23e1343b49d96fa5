/*-------------------------------------------------------------------------
 *
 * canonical_url.h
 *	  One spelling for all spellings of a URL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CANONICAL_URL_H
#define KEYAPI_CANONICAL_URL_H

#include "compat.h"

/*
 * The canonical spelling of a base_url, palloc'd: scheme and host in lower case,
 * no dot after the host, addresses as libcurl writes them, no default port, no
 * "." and ".." in the path, no slash at its end, and percent-encoding only where
 * it is needed, in upper case (RFC 3986, section 6.2).  To compare only: requests
 * go to the URL as the user wrote it.
 */
extern char *keyapi_canonical_url(const char *base_url);

#endif							/* KEYAPI_CANONICAL_URL_H */
