/*-------------------------------------------------------------------------
 *
 * buf.h
 *	  Growable byte buffers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_BUF_H
#define EMULATOR_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* All zeroes is an empty buffer; data is NULL or followed by a 0 byte. */
typedef struct Buf
{
	char	   *data;
	size_t		len;
	size_t		cap;
} Buf;

/* malloc and friends that end the process when memory is exhausted. */
extern void *xmalloc(size_t size);
extern void *xcalloc(size_t size);
extern void *xrealloc(void *old, size_t size);
extern char *xstrdup(const char *text);

/* Make room for more bytes; returns where they go. */
extern char *buf_reserve(Buf *buf, size_t more);
extern void buf_add(Buf *buf, const void *bytes, size_t len);
extern void buf_str(Buf *buf, const char *text);
extern void buf_char(Buf *buf, char c);
extern void buf_fill(Buf *buf, char c, size_t times);
extern void buf_fmt(Buf *buf, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/*
 * Append text as a JSON string with its quotes.  With ascii, everything
 * else becomes \u escapes; text must be UTF-8 then.
 */
extern void buf_json(Buf *buf, const char *text, bool ascii);

/* Append text as a field of COPY's text format. */
extern void buf_tsv(Buf *buf, const char *text);

extern void buf_free(Buf *buf);

#endif							/* EMULATOR_BUF_H */
