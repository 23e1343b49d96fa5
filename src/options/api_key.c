/*-------------------------------------------------------------------------
 *
 * api_key.c
 *	  The API key of a user, from a user mapping or from a file.
 *
 *-------------------------------------------------------------------------
 */
#include "options/api_key.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/syscache.h"

#include "api/secret.h"

/* Largest api_key_file, in bytes: no key is longer, and a log file is. */
#define MAX_KEY_FILE_BYTES 4096

const char *
keyapi_api_key_problem(const char *key)
{
	if (*key == '\0')
		return "The key is empty.";
	for (const char *p = key; *p; p++)
	{
		if (*p <= ' ' || *p > '~')
			return "A key consists of visible ASCII characters, without spaces and line breaks.";
	}
	return NULL;
}

/*
 * Say which file it is: to superusers and to the user of the mapping.  Others, who
 * may only read a view of its owner, are not told; the server's log is.
 */
static int
errdetail_key_file(const char *path, const char *problem, bool show_path)
{
	return show_path ? errdetail("File \"%s\": %s", path, problem) :
		errdetail_log("File \"%s\": %s", path, problem);
}

pg_noreturn static void
key_file_error(const char *path, const char *problem, bool show_path)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FILE),
			 errmsg("could not read the file of the API key"),
			 errdetail_key_file(path, problem, show_path),
			 errhint("It must be a regular file of at most %d bytes that the server's operating system user may read.",
					 MAX_KEY_FILE_BYTES)));
}

/*
 * Read the file, palloc'd, without ever waiting for a FIFO's or a device's other
 * end.
 */
static char *
read_key_file(const char *path, bool show_path)
{
	char	   *key = palloc(MAX_KEY_FILE_BYTES + 1);
	struct stat st;
	const char *problem;
	ssize_t		len;
	int			fd;

	fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | PG_BINARY);
	if (fd < 0)
		key_file_error(path, strerror(errno), show_path);
	if (fstat(fd, &st) < 0)
		key_file_error(path, strerror(errno), show_path);
	if (!S_ISREG(st.st_mode))
		key_file_error(path, "not a regular file", show_path);
	if (st.st_size > MAX_KEY_FILE_BYTES)
		key_file_error(path, "file is too large", show_path);
	len = read(fd, key, MAX_KEY_FILE_BYTES);
	if (len < 0)
		key_file_error(path, strerror(errno), show_path);
	CloseTransientFile(fd);

	while (len > 0 && isspace((unsigned char) key[len - 1]))
		len--;
	key[len] = '\0';

	problem = strlen(key) == len ? keyapi_api_key_problem(key) :
		"The file holds a zero byte.";
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the file of the API key holds no valid key"),
				 errdetail_key_file(path, problem, show_path)));
	return key;
}

static bool
has_mapping(Oid userid, Oid serverid)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER,
								 ObjectIdGetDatum(userid),
								 ObjectIdGetDatum(serverid));
}

pg_noreturn static void
no_key_error(Oid userid, Oid serverid, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no API key for user \"%s\" on server \"%s\"",
					GetUserNameFromId(userid, false),
					GetForeignServer(serverid)->servername),
			 errdetail("%s", problem),
			 errhint("Create a user mapping with option \"api_key\" or \"api_key_file\" for this user or for PUBLIC, or query a view owned by a role that has one.")));
}

static char *
read_key(Oid userid, Oid serverid)
{
	UserMapping *mapping;
	ListCell   *lc;

	/* GetUserMapping's own error has another SQLSTATE and no hint */
	if (!has_mapping(userid, serverid) && !has_mapping(InvalidOid, serverid))
		no_key_error(userid, serverid, "There is no user mapping.");
	mapping = GetUserMapping(userid, serverid);

	foreach(lc, mapping->options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "api_key") == 0)
			return pstrdup(defGetString(def));
		if (strcmp(def->defname, "api_key_file") == 0)
			return read_key_file(defGetString(def),
								 superuser() || mapping->userid == GetUserId());
	}
	no_key_error(userid, serverid, "The user mapping has no key.");
}

char *
keyapi_api_key(Oid userid, Oid serverid)
{
	char	   *key = read_key(userid, serverid);

	keyapi_secret_remember(key);
	return key;
}
