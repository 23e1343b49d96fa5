/*-------------------------------------------------------------------------
 *
 * poll.c
 *	  One descriptor that stands for many sockets: PostgreSQL can wait for one
 *	  socket only.
 *
 *-------------------------------------------------------------------------
 */
#include "http/poll.h"

#include <fcntl.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
	defined(__OpenBSD__) || defined(__DragonFly__)
#include <sys/event.h>
#else
#error "keyapi_fdw needs epoll or kqueue"
#endif

#if defined(__linux__)

int
keyapi_http_poll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

bool
keyapi_http_poll_watch(int poll_fd, int fd, bool input, bool output)
{
	struct epoll_event event = {
		.events = (input ? EPOLLIN : 0) | (output ? EPOLLOUT : 0),
		.data.fd = fd,
	};

	if (!input && !output)
	{
		(void) epoll_ctl(poll_fd, EPOLL_CTL_DEL, fd, &event);
		return true;
	}
	return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ||
		(errno == EEXIST &&
		 epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &event) == 0);
}

int
keyapi_http_poll_ready(int poll_fd, int *fds)
{
	struct epoll_event events[KEYAPI_HTTP_MAX_READY];
	int			num = epoll_wait(poll_fd, events, KEYAPI_HTTP_MAX_READY, 0);

	for (int i = 0; i < num; i++)
		fds[i] = events[i].data.fd;
	return num;
}

#else

int
keyapi_http_poll_create(void)
{
	int			fd = kqueue();

	if (fd >= 0)
		(void) fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static bool
watch_one(int poll_fd, int fd, int filter, bool watch)
{
	struct kevent event;

	EV_SET(&event, fd, filter, watch ? EV_ADD : EV_DELETE, 0, 0, 0);
	return kevent(poll_fd, &event, 1, NULL, 0, NULL) == 0 || !watch;
}

bool
keyapi_http_poll_watch(int poll_fd, int fd, bool input, bool output)
{
	return watch_one(poll_fd, fd, EVFILT_READ, input) &&
		watch_one(poll_fd, fd, EVFILT_WRITE, output);
}

int
keyapi_http_poll_ready(int poll_fd, int *fds)
{
	struct kevent events[KEYAPI_HTTP_MAX_READY];
	struct timespec none = {0, 0};
	int			num = kevent(poll_fd, NULL, 0, events, KEYAPI_HTTP_MAX_READY, &none);

	for (int i = 0; i < num; i++)
		fds[i] = events[i].ident;
	return num;
}

#endif
