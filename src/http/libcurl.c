/*-------------------------------------------------------------------------
 *
 * libcurl.c
 *	  What libcurl needs in a backend: handles that all transfers share, and
 *	  signals that stay away from its threads.
 *
 *-------------------------------------------------------------------------
 */
#include "http/libcurl.h"

#include <fcntl.h>
#include <unistd.h>

#include "http/http.h"

/*
 * Most threads that look up names.  libcurl 8.20 and later takes 20 at most, and
 * two for a name; a lookup that hangs keeps its threads even if its query has been
 * cancelled, so that nobody else in this backend could look up any name.  Before,
 * there was no bound.
 */
#define MAX_LOOKUPS	4096L

/*
 * Block signals around calls that may start a thread.  Threads inherit the
 * mask, and PostgreSQL's handlers must run in the main thread only.  The signals
 * that a thread can only cause by itself stay unblocked.
 */
void
keyapi_libcurl_enter(sigset_t *saved)
{
	static const int synchronous[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS
	};
	sigset_t	blocked;

	sigfillset(&blocked);
	for (int i = 0; i < lengthof(synchronous); i++)
		sigdelset(&blocked, synchronous[i]);
	sigprocmask(SIG_SETMASK, &blocked, saved);
}

void
keyapi_libcurl_leave(const sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, saved, NULL);
}

void
keyapi_libcurl_fail(const char *what, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYSTEM_ERROR),
			 errmsg("%s: %s", what, why)));
}

/*
 * curl_multi_init, but programs that the session executes do not inherit the
 * sockets that libcurl opens there for curl_multi_wakeup.  It does not tell
 * their numbers, so look at those near the lowest free one.
 */
static CURLM *
init_multi(int fd)
{
	bool		was_open[16];
	int			first = dup(fd);
	CURLM	   *multi;

	if (first < 0)
		return NULL;
	close(first);

	for (int i = 0; i < lengthof(was_open); i++)
		was_open[i] = fcntl(first + i, F_GETFD) >= 0;
	multi = curl_multi_init();
	for (int i = 0; i < lengthof(was_open); i++)
	{
		if (!was_open[i])
			(void) fcntl(first + i, F_SETFD, FD_CLOEXEC);
	}
	return multi;
}

CURLM *
keyapi_libcurl_make_multi(int fd, curl_socket_callback watch_socket,
						  curl_multi_timer_callback set_timer, long max_idle)
{
	CURLM	   *multi;
	sigset_t	saved;

	keyapi_libcurl_enter(&saved);
	multi = init_multi(fd);
	if (multi != NULL &&
		(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION,
						   watch_socket) != CURLM_OK ||
		 curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION,
						   set_timer) != CURLM_OK ||
		 curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
						   max_idle) != CURLM_OK))
	{
		curl_multi_cleanup(multi);
		multi = NULL;
	}
	keyapi_libcurl_leave(&saved);
	if (multi == NULL)
		keyapi_libcurl_fail("could not initialize libcurl", "no multi handle");

#if LIBCURL_VERSION_NUM >= 0x081400
	/* an older libcurl that is loaded does not know this, and needs it not */
	(void) curl_multi_setopt(multi, CURLMOPT_RESOLVE_THREADS_MAX, MAX_LOOKUPS);
#endif
	return multi;
}

CURLSH *
keyapi_libcurl_make_share(void)
{
	static bool initialized = false;
	CURLSH	   *share = NULL;
	sigset_t	saved;

	/*
	 * libcurl would write the secrets of all TLS connections to the file that
	 * this variable names, if the server was started with it.
	 */
	unsetenv("SSLKEYLOGFILE");

	keyapi_libcurl_enter(&saved);
	if (!initialized)
		initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (initialized)
		share = curl_share_init();
	if (share != NULL &&
		curl_share_setopt(share, CURLSHOPT_SHARE,
						  CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
	{
		curl_share_cleanup(share);
		share = NULL;
	}
	keyapi_libcurl_leave(&saved);
	if (share == NULL)
		keyapi_libcurl_fail("could not initialize libcurl", "no share handle");
	return share;
}

char *
keyapi_http_version(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return psprintf("libcurl %s (%s)", info->version,
					info->ssl_version == NULL ? "no TLS" : info->ssl_version);
}
