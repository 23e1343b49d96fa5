/*-------------------------------------------------------------------------
 *
 * strbuf.c
 *	  A growing buffer of bytes for code that runs without a server.
 *
 *-------------------------------------------------------------------------
 */
#include "json/strbuf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* First allocation, in bytes: one item as JSON fits. */
#define FIRST_CAPACITY 1024

static void
grow(KeyapiStrBuf *buf, size_t more)
{
	size_t		capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
	char	   *data = NULL;

	if (more <= SIZE_MAX / 2 - buf->len)
	{
		while (capacity < buf->len + more)
			capacity *= 2;
		data = realloc(buf->data, capacity);
	}
	if (data == NULL)
	{
		buf->no_memory = true;
		return;
	}
	buf->data = data;
	buf->capacity = capacity;
}

void
keyapi_strbuf_append(KeyapiStrBuf *buf, const char *bytes, size_t len)
{
	if (len > buf->capacity - buf->len)
		grow(buf, len);
	if (buf->no_memory || len == 0)
		return;
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
}

void
keyapi_strbuf_free(KeyapiStrBuf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}
