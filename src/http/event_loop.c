/*-------------------------------------------------------------------------
 *
 * event_loop.c
 *	  The event loop: libcurl's handles, the descriptor that stands for all of
 *	  its sockets, and the clock that transfers are measured by.
 *
 * Everything here lives as long as the backend.  There is no exit hook: the
 * kernel closes what is open, and a hook in a library can break more than it
 * tidies.
 *
 *-------------------------------------------------------------------------
 */
#include "http/event_loop.h"

#include <limits.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"

#include "compat.h"
#include "http/certificate.h"
#include "http/libcurl.h"
#include "http/outcome.h"
#include "http/poll.h"

/*
 * Easy handles and idle connections kept for reuse: as many as one scan may
 * have in flight.
 */
#define MAX_IDLE	32

#define NEVER PG_INT64_MAX

/*
 * How long an interrupt may wait for responses that only need to be read, in us:
 * they are paid for.  They take far less; a server that goes on sending must not
 * hold up a cancel for longer.
 */
#define MAX_READ_ON_US	INT64CONST(20000)

typedef struct KeyapiHttpLoop
{
	CURLM	   *multi;			/* NULL until the first request */
	CURLSH	   *share;			/* TLS sessions, for all easy handles */
	CURL	   *idle[MAX_IDLE];
	int			num_idle;

	int			poll_fd;		/* epoll or kqueue: readable if any socket of
								 * libcurl's is ready */
	int			poll_errno;		/* why a socket could not be watched, or 0 */

	dlist_head	running;
	uint64		num_finished;	/* since the backend started */

	int64		timer_us;		/* when libcurl wants to be called, or NEVER */
	int64		clock_us;		/* time spent in keyapi_http_drive ... */
	int64		clock_read_us;	/* ... and when it was read last */
} KeyapiHttpLoop;

static KeyapiHttpLoop loop = {
	.poll_fd = PGINVALID_SOCKET,
	.running = DLIST_STATIC_INIT(loop.running),
	.timer_us = NEVER,
};

/* ----------------------------------------------------------------
 *		Time
 * ----------------------------------------------------------------
 */

/*
 * Let the transfers grow older by the time since the last call.
 */
static int64
advance_clock(void)
{
	int64		now = keyapi_clock_us();

	loop.clock_us += now - loop.clock_read_us;
	loop.clock_read_us = now;
	return now;
}

int64
keyapi_http_loop_clock(void)
{
	return loop.clock_us;
}

/* ----------------------------------------------------------------
 *		Sockets
 *
 * libcurl tells by a callback which sockets it waits for.  They are watched
 * by one descriptor of the kernel's, which is all that PostgreSQL's wait needs
 * to know.  libcurl is only told that a socket is ready, not for what: its
 * messages are better about an error that it meets itself than about one that
 * it is told of.
 * ----------------------------------------------------------------
 */

/*
 * libcurl's socket callback.  Returning an error would break the multi handle
 * for good, so a failure is noted and raised by the loop.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what,
			 void *arg, void *socket_arg)
{
	bool		input = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
	bool		output = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;

	if (!keyapi_http_poll_watch(loop.poll_fd, fd, input, output))
		loop.poll_errno = errno;
	return 0;
}

/*
 * libcurl's timer callback.
 */
static int
set_timer(CURLM *multi, long timeout, void *arg)
{
	loop.timer_us = timeout < 0 ? NEVER : keyapi_clock_us() + timeout * INT64CONST(1000);
	return 0;
}

/* ----------------------------------------------------------------
 *		Handles
 * ----------------------------------------------------------------
 */

/*
 * Initialise what is not yet.  Each step is kept if a later one fails.
 */
static void
initialize(void)
{
	if (loop.share == NULL)
		loop.share = keyapi_libcurl_make_share();

	if (loop.poll_fd == PGINVALID_SOCKET)
	{
		if (!AcquireExternalFD())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					 errmsg("too many open files")));
		loop.poll_fd = keyapi_http_poll_create();
		if (loop.poll_fd < 0)
		{
			loop.poll_fd = PGINVALID_SOCKET;
			ReleaseExternalFD();
			keyapi_libcurl_fail("could not create event queue", strerror(errno));
		}
	}

	loop.multi = keyapi_libcurl_make_multi(loop.poll_fd, watch_socket, set_timer,
										   MAX_IDLE);
}

CURL *
keyapi_http_loop_easy(void)
{
	CURL	   *easy;
	CURLcode	result;

	if (loop.multi == NULL)
		initialize();

	easy = loop.num_idle > 0 ? loop.idle[--loop.num_idle] : curl_easy_init();
	if (easy == NULL)
		keyapi_libcurl_fail("could not initialize libcurl", "no easy handle");

	result = curl_easy_setopt(easy, CURLOPT_SHARE, loop.share);
	if (result != CURLE_OK)
	{
		curl_easy_cleanup(easy);
		keyapi_libcurl_fail("libcurl refused CURLOPT_SHARE", curl_easy_strerror(result));
	}
	return easy;
}

void
keyapi_http_loop_add(KeyapiTransfer *transfer)
{
	sigset_t	saved;
	CURLMcode	result;

	keyapi_libcurl_enter(&saved);
	result = curl_multi_add_handle(loop.multi, transfer->easy);
	keyapi_libcurl_leave(&saved);
	if (result != CURLM_OK)
		keyapi_libcurl_fail("libcurl refused the request", curl_multi_strerror(result));

	dlist_push_tail(&loop.running, &transfer->node);
	transfer->running = true;
}

void
keyapi_http_loop_drop(KeyapiTransfer *transfer)
{
	sigset_t	saved;

	if (transfer->easy == NULL)
		return;

	keyapi_libcurl_enter(&saved);
	if (transfer->running)
	{
		(void) curl_multi_remove_handle(loop.multi, transfer->easy);
		dlist_delete(&transfer->node);
		transfer->running = false;
	}

	/*
	 * The handle's options point into the transfer, which is about to go.  A
	 * handle that failed is not used again: curl_easy_reset does not clear
	 * things like CURLINFO_OS_ERRNO.
	 */
	curl_easy_reset(transfer->easy);
	if (transfer->finished &&
		transfer->outcome.result == KEYAPI_HTTP_RESPONSE &&
		loop.num_idle < MAX_IDLE)
		loop.idle[loop.num_idle++] = transfer->easy;
	else
		curl_easy_cleanup(transfer->easy);
	transfer->easy = NULL;
	keyapi_libcurl_leave(&saved);

	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	transfer->bearer = NULL;
}

/* ----------------------------------------------------------------
 *		The loop
 * ----------------------------------------------------------------
 */

static void
finish(KeyapiTransfer *transfer, CURLcode result, bool overdue)
{
	keyapi_http_conclude(transfer, result, overdue, loop.clock_us);
	keyapi_http_loop_drop(transfer);
	loop.num_finished++;
}

/*
 * If the transfer has failed because a certificate has expired, set it in motion
 * once more to find out when.
 */
static bool
look_at_certificate(KeyapiTransfer *transfer, CURLcode result)
{
	bool		looks;
	sigset_t	saved;

	if (transfer->looking || !keyapi_certificate_has_expired(transfer, result))
		return false;
	keyapi_libcurl_enter(&saved);
	(void) curl_multi_remove_handle(loop.multi, transfer->easy);
	looks = keyapi_certificate_look(transfer, result) &&
		curl_multi_add_handle(loop.multi, transfer->easy) == CURLM_OK;
	keyapi_libcurl_leave(&saved);
	return looks;
}

static void
finish_done(void)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(loop.multi, &left)) != NULL)
	{
		CURLcode	result = message->data.result;
		char	   *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		if (!look_at_certificate((KeyapiTransfer *) transfer, result))
			finish((KeyapiTransfer *) transfer, result, false);
	}
}

/*
 * When the transfer's time is up, by the clock of the loop.
 */
static int64
deadline(const KeyapiTransfer *transfer)
{
	return transfer->sent ? transfer->finish_by_us :
		Min(transfer->connect_by_us, transfer->finish_by_us);
}

static void
finish_overdue(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &loop.running)
	{
		KeyapiTransfer *transfer = dlist_container(KeyapiTransfer, node, iter.cur);

		if (deadline(transfer) <= loop.clock_us)
			finish(transfer, CURLE_OPERATION_TIMEDOUT, true);
	}
}

static void
call_libcurl(curl_socket_t fd)
{
	int			still_running;
	sigset_t	saved;
	CURLMcode	result;

	keyapi_libcurl_enter(&saved);
	result = curl_multi_socket_action(loop.multi, fd, 0, &still_running);
	keyapi_libcurl_leave(&saved);

	if (result != CURLM_OK)
		keyapi_libcurl_fail("libcurl failed", curl_multi_strerror(result));
	if (loop.poll_errno != 0)
	{
		int			poll_errno = loop.poll_errno;

		loop.poll_errno = 0;
		keyapi_libcurl_fail("could not watch a socket", strerror(poll_errno));
	}
}

/*
 * libcurl 7.88 gives up an address of a host when its time is over, but does not
 * try the next one before it is called again for that transfer, by when all time
 * is over.  Not all releases since were tried; 8.14 does better.
 */
static void
try_next_address(void)
{
#if LIBCURL_VERSION_NUM < 0x080e00
	bool		connecting = false;
	int			still_running;
	sigset_t	saved;
	dlist_iter	iter;

	dlist_foreach(iter, &loop.running)
		connecting |= !dlist_container(KeyapiTransfer, node, iter.cur)->sent;
	if (!connecting)
		return;

	keyapi_libcurl_enter(&saved);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	(void) curl_multi_socket_all(loop.multi, &still_running);
#pragma GCC diagnostic pop
	keyapi_libcurl_leave(&saved);
#endif
}

/*
 * libcurl's timer has expired.  libcurl calls set_timer only when its next
 * timeout changes.  If it rounds and thinks that this one has not expired yet, it
 * does not call, so ask.
 */
static void
call_libcurl_for_timer(void)
{
	long		timeout;

	loop.timer_us = NEVER;
	call_libcurl(CURL_SOCKET_TIMEOUT);
	try_next_address();
	if (loop.timer_us == NEVER &&
		curl_multi_timeout(loop.multi, &timeout) == CURLM_OK)
		(void) set_timer(loop.multi, timeout, NULL);
}

/*
 * Do what can be done without waiting.  Returns how many sockets were ready.
 */
static int
step(void)
{
	int			fds[KEYAPI_HTTP_MAX_READY];
	int			num;

	if (loop.multi == NULL)
		return 0;

	num = keyapi_http_poll_ready(loop.poll_fd, fds);
	for (int i = 0; i < num; i++)
		call_libcurl(fds[i]);
	if (loop.timer_us <= keyapi_clock_us())
		call_libcurl_for_timer();

	/* what has arrived counts, however late it is looked at */
	(void) advance_clock();
	finish_done();
	finish_overdue();
	return num;
}

/*
 * Read what has arrived already.
 */
static void
read_on(void)
{
	int64		give_up = keyapi_clock_us() + MAX_READ_ON_US;

	while (step() > 0 && keyapi_clock_us() < give_up)
		;
}

/*
 * When to stop waiting at the latest, for libcurl or for a deadline.
 */
static int64
next_wakeup(int64 now)
{
	int64		wakeup = loop.timer_us;
	dlist_iter	iter;

	dlist_foreach(iter, &loop.running)
	{
		KeyapiTransfer *transfer = dlist_container(KeyapiTransfer, node, iter.cur);

		wakeup = Min(wakeup, now + deadline(transfer) - loop.clock_us);
	}
	return wakeup;
}

/*
 * Wait for a socket, the latch, or until a point in time.  True if it was the
 * latch, which is then reset.
 */
static bool
wait_until(int64 wakeup, int64 now, uint32 wait_event_info)
{
	int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	long		timeout = -1;

	if (loop.multi != NULL)
		events |= WL_SOCKET_READABLE;
	if (wakeup != NEVER)
	{
		events |= WL_TIMEOUT;
		timeout = Min((wakeup - now + 999) / 1000, INT_MAX);
	}

	events = WaitLatchOrSocket(MyLatch, events, loop.poll_fd, timeout,
							   wait_event_info);
	if ((events & WL_LATCH_SET) == 0)
		return false;
	ResetLatch(MyLatch);
	return true;
}

void
keyapi_http_drive(long timeout_ms, uint32 wait_event_info)
{
	uint64		num_finished = loop.num_finished;
	bool		latch_set = false;
	int64		give_up;

	loop.clock_read_us = keyapi_clock_us();
	give_up = timeout_ms < 0 ? NEVER :
		loop.clock_read_us + timeout_ms * INT64CONST(1000);

	for (;;)
	{
		int64		now;
		int64		wakeup;

		(void) step();
		if (InterruptPending)
		{
			read_on();
			return;
		}
		if (latch_set || loop.num_finished != num_finished)
			return;

		now = advance_clock();
		wakeup = next_wakeup(now);
		if (wakeup <= now)
			continue;			/* libcurl wants to go on at once */
		if (give_up <= now)
			return;
		latch_set = wait_until(Min(wakeup, give_up), now, wait_event_info);
	}
}
