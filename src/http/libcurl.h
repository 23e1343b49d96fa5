/*-------------------------------------------------------------------------
 *
 * libcurl.h
 *	  What libcurl needs in a backend: handles that all transfers share, and
 *	  signals that stay away from its threads.
 *
 * The handles live as long as the backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LIBCURL_H
#define KEYAPI_LIBCURL_H

#include "compat.h"

#include <curl/curl.h>
#include <signal.h>

/*
 * Put these around calls of libcurl that may start a thread.  In between, nothing
 * may raise an error.
 */
extern void keyapi_libcurl_enter(sigset_t *saved);
extern void keyapi_libcurl_leave(const sigset_t *saved);

/*
 * Raise an ERROR (58000): what failed, and why.
 */
pg_noreturn extern void keyapi_libcurl_fail(const char *what, const char *why);

/*
 * The handle that easy handles share TLS sessions by.  Initialises libcurl, so
 * call it before all others.  Raises an ERROR (58000) if that fails.
 */
extern CURLSH *keyapi_libcurl_make_share(void);

/*
 * A multi handle with these callbacks (see CURLMOPT_SOCKETFUNCTION and
 * CURLMOPT_TIMERFUNCTION) that keeps max_idle connections.  fd is any open
 * descriptor.  Raises an ERROR (58000) if that fails.
 */
extern CURLM *keyapi_libcurl_make_multi(int fd,
										curl_socket_callback watch_socket,
										curl_multi_timer_callback set_timer,
										long max_idle);

#endif							/* KEYAPI_LIBCURL_H */
