/*-------------------------------------------------------------------------
 *
 * url_check.h
 *	  Which URLs an administrator may point the extension at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_URL_CHECK_H
#define KEYAPI_URL_CHECK_H

#include "compat.h"

/*
 * What is wrong with a string as base_url, as a sentence; or NULL.  It must be
 * scheme://host[:port][/path] (RFC 3986) without user, query and fragment;
 * http:// sends the key in clear text, so it may lead to this machine only.
 */
extern const char *keyapi_base_url_problem(const char *url);

/*
 * What is wrong with a string as the URL of a proxy, as a sentence; or NULL.
 */
extern const char *keyapi_proxy_problem(const char *url);

/*
 * What is wrong with a proxy for this base_url, as a sentence; or NULL.  Both
 * have passed the checks above.
 */
extern const char *keyapi_proxied_url_problem(const char *base_url,
											  const char *proxy);

#endif							/* KEYAPI_URL_CHECK_H */
