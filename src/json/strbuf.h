/*-------------------------------------------------------------------------
 *
 * strbuf.h
 *	  A growing buffer of bytes for code that runs without a server, where
 *	  there is no StringInfo.
 *
 * The buffer remembers that memory ran out, so that a writer checks once, when
 * it is done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_STRBUF_H
#define KEYAPI_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* All zeroes is an empty buffer; data comes from malloc. */
typedef struct KeyapiStrBuf
{
	char	   *data;			/* len bytes, no NUL after them; NULL if none
								 * were ever appended */
	size_t		len;
	size_t		capacity;
	bool		no_memory;		/* something is missing: do not use data */
} KeyapiStrBuf;

/*
 * Make room for that many bytes more.  False if memory is or was out.
 */
extern bool keyapi_strbuf_grow(KeyapiStrBuf *buf, size_t more);

/*
 * Append len bytes, at least one, that the caller is to fill: where they are, or
 * NULL after memory ran out.
 */
static inline char *
keyapi_strbuf_extend(KeyapiStrBuf *buf, size_t len)
{
	char	   *bytes;

	if (len > buf->capacity - buf->len && !keyapi_strbuf_grow(buf, len))
		return NULL;
	bytes = buf->data + buf->len;
	buf->len += len;
	return bytes;
}

/*
 * Append len bytes.  Does nothing after memory ran out.
 */
static inline void
keyapi_strbuf_append(KeyapiStrBuf *buf, const char *bytes, size_t len)
{
	char	   *end = len == 0 ? NULL : keyapi_strbuf_extend(buf, len);

	if (end != NULL)
		memcpy(end, bytes, len);
}

/*
 * Append len bytes of the buffer itself, from offset on.  Does nothing after memory
 * ran out.
 */
static inline void
keyapi_strbuf_repeat(KeyapiStrBuf *buf, size_t offset, size_t len)
{
	char	   *end = len == 0 ? NULL : keyapi_strbuf_extend(buf, len);

	/* the buffer may lie elsewhere now */
	if (end != NULL)
		memcpy(end, buf->data + offset, len);
}

/*
 * Free what the buffer holds and make it empty.
 */
extern void keyapi_strbuf_free(KeyapiStrBuf *buf);

#endif							/* KEYAPI_STRBUF_H */
