/*-------------------------------------------------------------------------
 *
 * raw.c
 *	  Listeners that speak no HTTP of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "raw.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hold.h"

#define STACK_SIZE (256 * 1024)
#define MAX_HEAD 32768			/* of a request to the proxy */
#define BACKLOG_FILLERS 4

/* What a thread is to do, with a listening or a connected socket. */
typedef struct Task
{
	void		(*serve) (int fd);
	int			fd;
} Task;

static void
start_thread(void *(*run) (void *), void (*serve) (int fd), int fd)
{
	Task	   *task = xcalloc(sizeof(Task));
	pthread_attr_t attr;
	pthread_t	thread;

	task->serve = serve;
	task->fd = fd;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (pthread_create(&thread, &attr, run, task) != 0)
	{
		perror("keyapi_emulator: cannot start a thread");
		exit(1);
	}
	pthread_attr_destroy(&attr);
}

static void *
run_connection(void *arg)
{
	Task	   *task = arg;

	task->serve(task->fd);
	close(task->fd);
	free(task);
	return NULL;
}

static void *
run_listener(void *arg)
{
	Task	   *task = arg;

	for (;;)
	{
		struct pollfd p = {.fd = task->fd,.events = POLLIN};
		int			fd;

		poll(&p, 1, -1);
		fd = accept4(task->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			start_thread(run_connection, task->serve, fd);
	}
	return NULL;
}

/*
 * Count a connection as a request of the scenario; the texts are copied.
 */
static Scenario *
begin(const char *name, Peer *peer, bool stalled, const char *request_line,
	  const char *user_agent, const char *key)
{
	Scenario   *scenario;
	LogRow		row = {
		.ms = wall_ms(),
		.fresh = true,
		.resumed = '-',
		.raw_query = xstrdup(request_line),
		.user_agent = xstrdup(user_agent),
		.key = xstrdup(key)
	};

	query_parse(NULL, false, &row.query);
	pthread_mutex_lock(&state_lock);
	scenario = scenario_get(name);
	scenario_request(scenario, peer, row);
	scenario->inflight++;
	scenario->stalled += stalled;
	hold_signal(scenario);
	pthread_mutex_unlock(&state_lock);
	return scenario;
}

static void
end(Scenario *scenario, Peer *peer, bool stalled)
{
	pthread_mutex_lock(&state_lock);
	scenario->inflight--;
	scenario->stalled -= stalled;
	peer_closed(peer);
	hold_signal(scenario);
	pthread_mutex_unlock(&state_lock);
}

static void
serve_mute(int fd)
{
	Peer		peer = {0};
	Scenario   *scenario = begin("tls-stall", &peer, true, "", "", "");
	char		unused[4096];

	while (recv(fd, unused, sizeof(unused), 0) > 0)
		;
	end(scenario, &peer, true);
}

/* Receive a request's head into head[size]; returns its bytes, or 0. */
static size_t
receive_head(int fd, char *head, size_t size)
{
	size_t		len = 0;

	while (len < size - 1)
	{
		ssize_t		got = recv(fd, head + len, size - 1 - len, 0);

		if (got <= 0)
			return 0;
		len += (size_t) got;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			return len;
	}
	return 0;
}

/* Copy a header's value, "" if absent. */
static void
copy_header(const char *head, const char *name, char *value, size_t size)
{
	size_t		len = strlen(name);

	*value = '\0';
	for (const char *line = strstr(head, "\r\n"); line != NULL;
		 line = strstr(line, "\r\n"))
	{
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			snprintf(value, size, "%.*s",
					 (int) strcspn(line + len + 2, "\r"), line + len + 2);
	}
}

static int
connect_to(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *address;
	int			fd;

	if (getaddrinfo(host, port, &hints, &address) != 0)
		return -1;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
	{
		close(fd);
		fd = -1;
	}
	freeaddrinfo(address);
	return fd;
}

static bool
send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0)
	{
		ssize_t		sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t) sent;
	}
	return true;
}

/* Carry bytes both ways until either side ends. */
static void
carry(int a, int b)
{
	struct pollfd p[2] = {
		{.fd = a,.events = POLLIN},
		{.fd = b,.events = POLLIN}
	};
	char		bytes[16384];

	for (;;)
	{
		poll(p, 2, -1);
		for (int i = 0; i < 2; i++)
			if (p[i].revents)
			{
				ssize_t		got = recv(p[i].fd, bytes, sizeof(bytes), 0);

				if (got <= 0 || !send_all(p[1 - i].fd, bytes, (size_t) got))
					return;
			}
	}
}

/*
 * Forward what follows a head.  The server takes requests in absolute form,
 * hence nothing is changed on the way.
 */
static void
forward(int fd, const char *head, size_t len)
{
	static const char connected[] =
	"HTTP/1.1 200 Connection established\r\n\r\n";
	static const char failed[] =
	"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
	"Connection: close\r\n\r\n";
	char		host[256];
	char		port[8];
	bool		tunnel = true;
	int			server = -1;

	if (sscanf(head, "CONNECT %255[^: ]:%7[0-9]", host, port) != 2)
		tunnel = false;
	if (tunnel ||
		sscanf(head, "%*s http://%255[^:/ ]:%7[0-9]", host, port) == 2)
		server = connect_to(host, port);

	if (server < 0)
	{
		send_all(fd, failed, strlen(failed));
		return;
	}
	if (tunnel ? send_all(fd, connected, strlen(connected)) :
		send_all(server, head, len))
		carry(fd, server);
	close(server);
}

static void
serve_proxy(int fd)
{
	char	   *head = xmalloc(MAX_HEAD);
	size_t		len = receive_head(fd, head, MAX_HEAD);

	if (len > 0)
	{
		char		line[300];
		char		agent[200];
		char		key[200];
		Peer		peer = {0};
		Scenario   *scenario;

		snprintf(line, sizeof(line), "%.*s", (int) strcspn(head, "\r"), head);
		copy_header(head, "User-Agent", agent, sizeof(agent));
		copy_header(head, "Authorization", key, sizeof(key));
		scenario = begin("proxy", &peer, false, line, agent, key);
		forward(fd, head, len);
		end(scenario, &peer, false);
	}
	free(head);
}

void
raw_start_mute(int listen_fd)
{
	start_thread(run_listener, serve_mute, listen_fd);
}

void
raw_start_proxy(int listen_fd)
{
	start_thread(run_listener, serve_proxy, listen_fd);
}

void
raw_fill_backlog(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = (in_port_t) port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};

	/* They are never closed: the queue is to stay full. */
	for (int i = 0; i < BACKLOG_FILLERS; i++)
	{
		int			fd = socket(AF_INET,
								SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		connect(fd, (struct sockaddr *) &address, sizeof(address));
	}
}
