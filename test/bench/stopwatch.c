/*-------------------------------------------------------------------------
 *
 * stopwatch.c
 *	  For LD_PRELOAD: how much CPU time a process spends in jansson and zlib.
 *
 * The process keeps that, as two integers in ns, in a file that is named after
 * its pid, in the directory that STOPWATCH names.  (The difference of two
 * programs that fetch the same does not tell what the rest costs: the libraries
 * are faster where nothing else needs the caches of the processor.)
 *
 *-------------------------------------------------------------------------
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

typedef enum Library
{
	JANSSON,
	ZLIB,
	NUM_LIBRARIES
} Library;

static int64_t *spent;			/* mapped; NULL before the first call */
static int64_t began;
static int	depth;				/* the libraries call themselves, too */

static void
die(const char *what)
{
	perror(what);
	abort();
}

static void
open_file(void)
{
	const size_t size = NUM_LIBRARIES * sizeof(*spent);
	const char *directory = getenv("STOPWATCH");
	char		path[1000];
	int			fd;

	if (directory == NULL)
		die("STOPWATCH");
	snprintf(path, sizeof(path), "%s/%d", directory, (int) getpid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size) != 0)
		die(path);
	spent = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (spent == MAP_FAILED)
		die(path);
	close(fd);
}

static int64_t
cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void
start(void)
{
	if (spent == NULL)
		open_file();
	if (depth++ == 0)
		began = cpu_time();
}

static void
stop(Library library)
{
	if (--depth == 0)
		spent[library] += cpu_time() - began;
}

static void *
find(const char *name)
{
	void	   *function = dlsym(RTLD_NEXT, name);

	if (function == NULL)
		die(name);
	return function;
}

/* Declares `real`, the library's own function of that name. */
#define FIND_REAL(name) \
	static __typeof__(&name) real; \
	\
	if (real == NULL) \
		real = find(#name)

json_t *
json_loadb(const char *text, size_t len, size_t flags, json_error_t *error)
{
	json_t	   *result;

	FIND_REAL(json_loadb);
	start();
	result = real(text, len, flags, error);
	stop(JANSSON);
	return result;
}

void
json_delete(json_t *json)
{
	FIND_REAL(json_delete);
	start();
	real(json);
	stop(JANSSON);
}

int
inflateInit2_(z_streamp stream, int bits, const char *version, int size)
{
	int			result;

	FIND_REAL(inflateInit2_);
	start();
	result = real(stream, bits, version, size);
	stop(ZLIB);
	return result;
}

int
inflate(z_streamp stream, int flush)
{
	int			result;

	FIND_REAL(inflate);
	start();
	result = real(stream, flush);
	stop(ZLIB);
	return result;
}

int
inflateEnd(z_streamp stream)
{
	int			result;

	FIND_REAL(inflateEnd);
	start();
	result = real(stream);
	stop(ZLIB);
	return result;
}
