/*-------------------------------------------------------------------------
 *
 * main.c
 *	  An emulator of the API, for tests.  README.md tells how to use it.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hold.h"
#include "raw.h"
#include "server.h"

static char dir[4000] = "";
static bool dir_is_ours = false;
static bool ignore_stdin = false;

static void
die(const char *what)
{
	fprintf(stderr, "keyapi_emulator: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"dir", required_argument, NULL, 'd'},
		{"ignore-stdin", no_argument, NULL, 'i'},
		{NULL}
	};
	int			c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c)
		{
			case 'd':
				snprintf(dir, sizeof(dir), "%s", optarg);
				break;
			case 'i':
				ignore_stdin = true;
				break;
			default:
				fprintf(stderr,
						"usage: keyapi_emulator [--dir DIR] [--ignore-stdin]\n");
				exit(2);
		}

	if (*dir == '\0')
	{
		const char *tmp = getenv("TMPDIR");

		snprintf(dir, sizeof(dir), "%s/keyapi_emulator.XXXXXX",
				 tmp ? tmp : "/tmp");
		if (mkdtemp(dir) == NULL)
			die(dir);
		dir_is_ours = true;
	}
}

static void
write_ca(const char *path, const char *pem)
{
	FILE	   *file = fopen(path, "w");

	if (file == NULL || fputs(pem, file) == EOF || fclose(file) == EOF)
		die(path);
}

/* What listens on a port. */
typedef enum Role
{
	ROLE_HTTP,
	ROLE_MUTE,
	ROLE_PROXY,
	ROLE_DEAD,					/* drops the SYN */
	ROLE_REFUSING				/* a port that nobody listens on */
} Role;

/* A socket bound to a free port of the loopback address. */
static int
bind_socket(struct sockaddr_in *address)
{
	socklen_t	size = sizeof(*address);
	int			fd = socket(AF_INET,
							SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memset(address, 0, size);
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *) address, size) < 0 ||
		getsockname(fd, (struct sockaddr *) address, &size) < 0)
		die("cannot bind");
	return fd;
}

/*
 * Start a listener and print its URL; cert and priorities are those of
 * server_start().
 */
static void
start(const char *variable, const char *scheme, Role role,
	  const Certificate *cert, const char *priorities)
{
	struct sockaddr_in address;
	int			fd = bind_socket(&address);

	if (role != ROLE_REFUSING && listen(fd, role == ROLE_DEAD ? 0 : 1024) < 0)
		die("cannot listen");
	switch (role)
	{
		case ROLE_HTTP:
			server_start(fd, cert, priorities);
			break;
		case ROLE_MUTE:
			raw_start_mute(fd);
			break;
		case ROLE_PROXY:
			raw_start_proxy(fd);
			break;
		case ROLE_DEAD:
			raw_fill_backlog(address.sin_port);
			break;
		case ROLE_REFUSING:
			break;
	}
	printf("KEYAPI_EMULATOR_%s=%s://127.0.0.1:%d\n", variable, scheme,
		   ntohs(address.sin_port));
}

static void
start_all(void)
{
	Certificate good = tls_certificate(CERTIFICATE_GOOD);
	Certificate expired = tls_certificate(CERTIFICATE_EXPIRED);
	Certificate wrong_host = tls_certificate(CERTIFICATE_WRONG_HOST);

	start("URL", "http", ROLE_HTTP, NULL, NULL);
	start("TLS_URL", "https", ROLE_HTTP, &good, NULL);
	start("TLS_EXPIRED_URL", "https", ROLE_HTTP, &expired, NULL);
	start("TLS_WRONG_HOST_URL", "https", ROLE_HTTP, &wrong_host, NULL);
	start("TLS_OLD_URL", "https", ROLE_HTTP, &good,
		  "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SIGN-ALL");
	start("TLS_STALL_URL", "https", ROLE_MUTE, NULL, NULL);
	start("DEAD_URL", "http", ROLE_DEAD, NULL, NULL);
	start("REFUSED_URL", "http", ROLE_REFUSING, NULL, NULL);
	start("PROXY", "http", ROLE_PROXY, NULL, NULL);
}

/* Wait for SIGTERM, SIGINT, or the end of the process that holds our stdin. */
static void
wait_for_end(const sigset_t *signals)
{
	struct pollfd p[2] = {
		{.fd = signalfd(-1, signals, SFD_CLOEXEC),.events = POLLIN},
		{.fd = ignore_stdin ? -1 : STDIN_FILENO,.events = POLLIN}
	};
	char		unused[256];

	for (;;)
	{
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents)
			return;
		if (p[1].revents && read(STDIN_FILENO, unused, sizeof(unused)) <= 0)
			return;
	}
}

int
main(int argc, char **argv)
{
	sigset_t	signals;
	struct rlimit files;
	char		ca_path[4096];

	parse_arguments(argc, argv);

	/* All threads inherit the mask; main alone takes the signals. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
	{
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}

	snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", dir);
	write_ca(ca_path, tls_init());
	hold_init();
	start_all();
	printf("KEYAPI_EMULATOR_CA=%s\n", ca_path);
	printf("KEYAPI_EMULATOR_PID=%d\n", (int) getpid());
	printf("KEYAPI_EMULATOR_READY=1\n");
	fflush(stdout);

	wait_for_end(&signals);
	unlink(ca_path);
	if (dir_is_ours)
		rmdir(dir);
	_exit(0);
}
