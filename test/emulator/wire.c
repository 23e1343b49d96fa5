/*-------------------------------------------------------------------------
 *
 * wire.c
 *	  Answers that are spoilt on the wire: cut, dripped, stalled, reset.
 *
 * Each has a thread of its own.  They are few, and straight-line code is easier to
 * trust.
 *
 *-------------------------------------------------------------------------
 */
#include "wire.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hold.h"

#define SEND_PATIENCE 60000		/* ms for a client that does not read */
#define STACK_SIZE (256 * 1024)

typedef struct Job
{
	struct Job *prev;			/* of those that wait for a release */
	struct Job *next;
	struct MHD_Connection *connection;
	Scenario   *scenario;
	const Fault *fault;
	int			fd;
	gnutls_session_t tls;		/* or NULL */
	int			release_fd;		/* readable: go on */
	Buf			bytes;			/* the whole answer */
	size_t		head;			/* where its body begins */
} Job;

static Job	waiting = {.prev = &waiting,.next = &waiting};

bool
wire_is_for(const Fault *fault)
{
	if (fault == NULL)
		return false;
	switch (fault->kind)
	{
		case FAULT_STALL:
			return fault->at != PLACE_BEFORE;
		case FAULT_DRIP:
		case FAULT_RESET:
		case FAULT_CLOSE:
		case FAULT_TRUNCATE:
			return true;
		default:
			return false;
	}
}

static const char *
reason_phrase(int status)
{
	return status == 200 ? "OK" : "Error";
}

/*
 * Lay out the answer in full, with the framing that the fault wants.
 */
static void
compose(Job *job, const Answer *answer)
{
	const Fault *fault = job->fault;
	bool		truncate = fault->kind == FAULT_TRUNCATE;
	bool		chunked = truncate && fault->how == HOW_CHUNKED;
	bool		no_length = truncate && fault->how == HOW_CLOSE;
	bool		keepalive = fault->kind == FAULT_CLOSE ||
	(fault->words & WORD_KEEPALIVE);
	size_t		len = answer->body.len;
	char		date[64];
	time_t		now = (time_t) (wall_ms() / 1000);
	struct tm	tm;

	/* The length of what is sent, so that only the gzip file is short. */
	if (truncate && fault->how == HOW_GZIP)
		len = fault->bytes >= 0 && (size_t) fault->bytes < len ?
			(size_t) fault->bytes : len / 2;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_fmt(&job->bytes, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n",
			answer->status, reason_phrase(answer->status), date,
			answer->content_type);
	if (answer->gzipped)
		buf_str(&job->bytes, "Content-Encoding: gzip\r\n");
	if (*answer->after)
		buf_fmt(&job->bytes, "Retry-After: %s\r\n", answer->after);
	if (chunked)
		buf_str(&job->bytes, "Transfer-Encoding: chunked\r\n");
	else if (!no_length)
		buf_fmt(&job->bytes, "Content-Length: %zu\r\n", len);
	if (!keepalive)
		buf_str(&job->bytes, "Connection: close\r\n");
	buf_str(&job->bytes, "\r\n");

	job->head = job->bytes.len;
	if (chunked)
		buf_fmt(&job->bytes, "%zx\r\n", len);
	buf_add(&job->bytes, answer->body.data ? answer->body.data : "", len);
	if (chunked)
		buf_str(&job->bytes, "\r\n0\r\n\r\n");
}

/* The byte before which the fault strikes. */
static size_t
cut_of(const Job *job)
{
	const Fault *fault = job->fault;
	size_t		start = 0;
	size_t		end = job->bytes.len;

	switch (fault->at)
	{
		case PLACE_BEFORE:
			return 0;
		case PLACE_HEADERS:
			end = job->head;
			break;
		case PLACE_END:
			return end;
		default:
			start = job->head;
	}
	if (fault->bytes < 0)
		return start + (end - start) / 2;
	return start + (size_t) fault->bytes < end ? start + fault->bytes : end;
}

/* Send what the socket takes; -1 if nothing at the moment, -2: broken. */
static ssize_t
send_some(Job *job, const char *bytes, size_t len)
{
	ssize_t		sent;

	if (job->tls != NULL)
	{
		sent = gnutls_record_send(job->tls, bytes, len);
		if (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED)
			return -1;
		return sent >= 0 ? sent : -2;
	}
	sent = send(job->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

/* Send the bytes from..to of the answer.  Returns false if nobody reads. */
static bool
send_bytes(Job *job, size_t from, size_t to)
{
	while (from < to)
	{
		ssize_t		sent = send_some(job, job->bytes.data + from, to - from);

		if (sent >= 0)
			from += (size_t) sent;
		else
		{
			struct pollfd p = {.fd = job->fd,.events = POLLOUT};

			if (sent == -2 || poll(&p, 1, SEND_PATIENCE) <= 0)
				return false;
		}
	}
	return true;
}

/*
 * Wait ms (-1: for ever), a release, or the client's end.  Returns false for
 * the last.
 */
static bool
wait_for(Job *job, int ms)
{
	struct pollfd p[2] = {
		{.fd = job->release_fd,.events = POLLIN},
		{.fd = job->fd,.events = POLLRDHUP}
	};

	poll(p, 2, ms);
	return p[1].revents == 0;
}

static bool
drip(Job *job, size_t from, size_t to)
{
	const Fault *fault = job->fault;
	size_t		step = fault->bytes > 0 ? (size_t) fault->bytes : 1;

	while (from < to)
	{
		size_t		next = from + step < to ? from + step : to;

		if (!send_bytes(job, from, next) || !wait_for(job, (int) fault->ms))
			return false;
		from = next;
	}
	return true;
}

/* Disconnecting a TCP socket sends RST at once, unlike closing it. */
static void
reset(Job *job)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	if (connect(job->fd, &nowhere, sizeof(nowhere)) < 0)
		perror("keyapi_emulator: cannot reset");
}

static void
count_stalled(Job *job, int change)
{
	pthread_mutex_lock(&state_lock);
	job->scenario->stalled += change;
	if (change > 0)
	{
		job->prev = waiting.prev;
		job->next = &waiting;
	}
	job->prev->next = change > 0 ? job : job->next;
	job->next->prev = change > 0 ? job : job->prev;
	hold_signal(job->scenario);
	pthread_mutex_unlock(&state_lock);
}

static void
run(Job *job)
{
	const Fault *fault = job->fault;
	size_t		all = job->bytes.len;
	size_t		cut = cut_of(job);

	switch (fault->kind)
	{
		case FAULT_STALL:
			if (!send_bytes(job, 0, cut))
				return;
			count_stalled(job, 1);
			if (wait_for(job, -1))
				send_bytes(job, cut, all);
			count_stalled(job, -1);
			break;
		case FAULT_DRIP:
			count_stalled(job, 1);
			if (fault->at == PLACE_HEADERS ?
				drip(job, 0, job->head) && send_bytes(job, job->head, all) :
				send_bytes(job, 0, job->head) && drip(job, job->head, all))
				shutdown(job->fd, SHUT_WR);
			count_stalled(job, -1);
			break;
		case FAULT_RESET:
			if (send_bytes(job, 0, cut))
				reset(job);
			break;
		case FAULT_CLOSE:
			if (send_bytes(job, 0, cut) && fault->at == PLACE_END &&
				fault->ms > 0)
				wait_for(job, (int) fault->ms);
			break;
		default:
			send_bytes(job, 0, cut);
	}
}

static void *
run_thread(void *arg)
{
	Job		   *job = arg;

	run(job);
	if (job->tls == NULL)
		shutdown(job->fd, SHUT_WR);
	close(job->release_fd);
	buf_free(&job->bytes);
	MHD_resume_connection(job->connection);
	free(job);
	return NULL;
}

void
wire_release(Scenario *scenario)
{
	for (Job *job = waiting.next; job != &waiting; job = job->next)
		if (job->scenario == scenario)
			eventfd_write(job->release_fd, 1);
}

void
wire_start(struct MHD_Connection *connection, Scenario *scenario,
		   const Fault *fault, Answer *answer)
{
	const union MHD_ConnectionInfo *tls =
	MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	Job		   *job = xcalloc(sizeof(Job));
	pthread_attr_t attr;
	pthread_t	thread;
	int			on = 1;

	job->connection = connection;
	job->scenario = scenario;
	job->fault = fault;
	job->fd = MHD_get_connection_info(connection,
									  MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	job->tls = tls ? tls->tls_session : NULL;
	job->release_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	compose(job, answer);
	buf_free(&answer->body);
	setsockopt(job->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	MHD_suspend_connection(connection);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (pthread_create(&thread, &attr, run_thread, job) != 0)
	{
		perror("keyapi_emulator: cannot start a thread");
		exit(1);
	}
	pthread_attr_destroy(&attr);
}
