/*-------------------------------------------------------------------------
 *
 * poll.h
 *	  One descriptor that stands for many sockets: epoll or kqueue.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_POLL_H
#define KEYAPI_POLL_H

#include "compat.h"

/* Most sockets that one call of keyapi_http_poll_ready returns. */
#define KEYAPI_HTTP_MAX_READY	32

/*
 * A new descriptor that is readable while any socket that it watches is ready,
 * or -1 with errno set.
 */
extern int	keyapi_http_poll_create(void);

/*
 * Watch a socket for input, output, both, or no longer.  False, and errno set,
 * if that fails.
 */
extern bool keyapi_http_poll_watch(int poll_fd, int fd, bool input, bool output);

/*
 * Store the sockets that are ready in fds, which has room for
 * KEYAPI_HTTP_MAX_READY, without waiting.  Returns how many there are.
 */
extern int	keyapi_http_poll_ready(int poll_fd, int *fds);

#endif							/* KEYAPI_POLL_H */
