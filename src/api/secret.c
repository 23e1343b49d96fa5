/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  The API keys that this process may send, and texts without them.
 *
 *-------------------------------------------------------------------------
 */
#include "api/secret.h"

#include <ctype.h>

#include "lib/ilist.h"

#define BLOT "***"

/* How much of a secret, at the end of a text, is blotted out too, in bytes. */
#define TELLING_BYTES 4

/*
 * A remembered secret.  It goes with the memory of the scan that uses it: a
 * session that lives for months and sees many keys remembers only those in use.
 * Scans with the same key remember it once each, which costs less than looking
 * for it in this list: texts are searched only when something goes wrong.
 */
typedef struct Secret
{
	MemoryContextCallback on_reset;
	dlist_node	node;
	char		text[FLEXIBLE_ARRAY_MEMBER];
} Secret;

static dlist_head secrets = DLIST_STATIC_INIT(secrets);

static void
forget(void *arg)
{
	dlist_delete(&((Secret *) arg)->node);
}

void
keyapi_secret_remember(const char *text)
{
	size_t		size = strlen(text) + 1;
	Secret	   *secret = palloc(offsetof(Secret, text) + size);

	memcpy(secret->text, text, size);
	dlist_push_head(&secrets, &secret->node);
	secret->on_reset.func = forget;
	secret->on_reset.arg = secret;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &secret->on_reset);
}

/* ---------------------------------------------------------------------
 * Finding secrets in a text
 * ---------------------------------------------------------------------
 */

static int
hex_byte(const char *digits)
{
	char		pair[3] = {digits[0], digits[1], '\0'};

	return strtol(pair, NULL, 16);
}

/* How a server may have escaped what it echoes. */
typedef enum Escaping
{
	ESCAPED_NOT,
	ESCAPED_FOR_URL,
	ESCAPED_FOR_JSON,
	NUM_ESCAPINGS
} Escaping;

/*
 * The character at text, and in *len the bytes that it takes.
 */
static char
unescape(const char *text, const char *end, Escaping escaping, int *len)
{
	if (escaping == ESCAPED_FOR_URL && end - text >= 3 && text[0] == '%' &&
		isxdigit((unsigned char) text[1]) && isxdigit((unsigned char) text[2]))
	{
		*len = 3;
		return hex_byte(text + 1);
	}
	if (escaping == ESCAPED_FOR_JSON && end - text >= 6 &&
		strncmp(text, "\\u00", 4) == 0 &&
		isxdigit((unsigned char) text[4]) && isxdigit((unsigned char) text[5]))
	{
		*len = 6;
		return hex_byte(text + 4);
	}
	if (escaping == ESCAPED_FOR_JSON && end - text >= 2 && text[0] == '\\')
	{
		*len = 2;
		return text[1];
	}
	*len = 1;
	return text[0];
}

/*
 * Length of the secret at text, in upper or lower case; 0 if it is not there.  A
 * text that ends in the middle of the secret counts, unless less than
 * TELLING_BYTES of it are there.
 */
static int
length_if_escaped(const char *text, const char *end, const char *secret,
				  Escaping escaping)
{
	const char *p = text;

	for (const char *s = secret; *s; s++)
	{
		int			len;

		if (p >= end)
			return s - secret >= TELLING_BYTES ? p - text : 0;

		if (pg_tolower((unsigned char) unescape(p, end, escaping, &len)) !=
			pg_tolower((unsigned char) *s))
			return 0;
		p += len;
	}
	return p - text;
}

/*
 * Length of the longest secret at text, however it is escaped; 0 if there is
 * none.
 */
static int
secret_length(const char *text, const char *end)
{
	int			longest = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &secrets)
	{
		const Secret *secret = dlist_container(Secret, node, iter.cur);

		for (Escaping escaping = 0; escaping < NUM_ESCAPINGS; escaping++)
			longest = Max(longest,
						  length_if_escaped(text, end, secret->text, escaping));
	}
	return longest;
}

void
keyapi_secret_append_blotted(StringInfo buf, const char *text, size_t len, int max)
{
	const char *end = text + len;

	while (text < end && buf->len <= max)
	{
		int			found = secret_length(text, end);

		if (found > 0)
			appendStringInfoString(buf, BLOT);
		else
			appendStringInfoChar(buf, *text);
		text += Max(found, 1);
	}
}

/* ---------------------------------------------------------------------
 * Errors
 * ---------------------------------------------------------------------
 */

static void
blot_part(char **part)
{
	StringInfoData buf;

	if (*part == NULL)
		return;
	initStringInfo(&buf);
	keyapi_secret_append_blotted(&buf, *part, strlen(*part), PG_INT32_MAX);
	*part = buf.data;
}

void
keyapi_secret_rethrow(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	blot_part(&error->message);
	blot_part(&error->detail);
	blot_part(&error->detail_log);
	blot_part(&error->hint);
	blot_part(&error->context);
	ReThrowError(error);
	pg_unreachable();
}
