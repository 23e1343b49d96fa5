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

/* First allocation, in bytes: some items as JSON fit. */
#define FIRST_CAPACITY 4096

bool
keyapi_strbuf_grow(KeyapiStrBuf *buf, size_t more)
{
	size_t		capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
	char	   *data = NULL;

	if (more <= SIZE_MAX / 2 - buf->len && !buf->no_memory)
	{
		while (capacity < buf->len + more)
			capacity *= 2;
		data = realloc(buf->data, capacity);
	}
	if (data == NULL)
	{
		buf->no_memory = true;
		buf->capacity = buf->len;	/* so that nothing fits any more */
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void
keyapi_strbuf_free(KeyapiStrBuf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}
