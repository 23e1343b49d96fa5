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

/*
 * Start a listener on a free port and print its URL.
 */
static void
listen_and_print(const char *variable, const Certificate *cert,
				 const char *priorities)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t	size = sizeof(address);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, size) < 0 ||
		listen(fd, 1024) < 0 ||
		getsockname(fd, (struct sockaddr *) &address, &size) < 0)
		die("cannot listen");
	server_start(fd, cert, priorities);
	printf("%s=%s://127.0.0.1:%d\n", variable, cert ? "https" : "http",
		   ntohs(address.sin_port));
}

/* Wait for SIGTERM, SIGINT, or the end of whoever holds our stdin. */
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
	Certificate good;
	Certificate expired;
	Certificate wrong_host;
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
	good = tls_certificate(CERTIFICATE_GOOD);
	expired = tls_certificate(CERTIFICATE_EXPIRED);
	wrong_host = tls_certificate(CERTIFICATE_WRONG_HOST);

	hold_init();
	listen_and_print("KEYAPI_EMULATOR_URL", NULL, NULL);
	listen_and_print("KEYAPI_EMULATOR_TLS_URL", &good, NULL);
	listen_and_print("KEYAPI_EMULATOR_TLS_EXPIRED_URL", &expired, NULL);
	listen_and_print("KEYAPI_EMULATOR_TLS_WRONG_HOST_URL", &wrong_host, NULL);
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
