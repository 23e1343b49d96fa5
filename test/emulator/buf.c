/*-------------------------------------------------------------------------
 *
 * buf.c
 *	  Growable byte buffers.
 *
 *-------------------------------------------------------------------------
 */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
xrealloc(void *old, size_t size)
{
	void	   *new = realloc(old, size);

	if (new == NULL)
	{
		fputs("keyapi_emulator: out of memory\n", stderr);
		abort();
	}
	return new;
}

void *
xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

void *
xcalloc(size_t size)
{
	return memset(xmalloc(size), 0, size);
}

char *
xstrdup(const char *text)
{
	size_t		size = strlen(text) + 1;

	return memcpy(xmalloc(size), text, size);
}

char *
buf_reserve(Buf *buf, size_t more)
{
	size_t		need = buf->len + more + 1;

	if (need > buf->cap)
	{
		size_t		cap = buf->cap ? buf->cap * 2 : 256;

		buf->cap = cap > need ? cap : need;
		buf->data = xrealloc(buf->data, buf->cap);
	}
	return buf->data + buf->len;
}

void
buf_add(Buf *buf, const void *bytes, size_t len)
{
	memcpy(buf_reserve(buf, len), bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
buf_str(Buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_char(Buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void
buf_fill(Buf *buf, char c, size_t times)
{
	memset(buf_reserve(buf, times), c, times);
	buf->len += times;
	buf->data[buf->len] = '\0';
}

void
buf_fmt(Buf *buf, const char *format,...)
{
	va_list		args;
	char		small[1024];
	int			len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);

	if (len < 0)
		abort();
	if ((size_t) len < sizeof(small))
	{
		buf_add(buf, small, len);
		return;
	}

	va_start(args, format);
	vsnprintf(buf_reserve(buf, len), len + 1, format, args);
	va_end(args);
	buf->len += len;
}

/*
 * Decode one valid UTF-8 character and move *p behind it.
 */
static uint32_t
next_codepoint(const unsigned char **p)
{
	const unsigned char *s = *p;
	uint32_t	c;
	int			more;

	if (*s < 0x80)
	{
		c = *s;
		more = 0;
	}
	else if (*s < 0xE0)
	{
		c = *s & 0x1F;
		more = 1;
	}
	else if (*s < 0xF0)
	{
		c = *s & 0x0F;
		more = 2;
	}
	else
	{
		c = *s & 0x07;
		more = 3;
	}

	s++;
	while (more-- > 0 && (*s & 0xC0) == 0x80)
		c = c << 6 | (*s++ & 0x3F);
	*p = s;
	return c;
}

void
buf_json(Buf *buf, const char *text, bool ascii)
{
	const unsigned char *p = (const unsigned char *) text;

	buf_char(buf, '"');
	while (*p)
	{
		size_t		plain = 0;

		while (p[plain] >= 0x20 && p[plain] != '"' && p[plain] != '\\' &&
			   (!ascii || p[plain] < 0x7F))
			plain++;
		buf_add(buf, p, plain);
		p += plain;

		if (*p == '"' || *p == '\\')
			buf_fmt(buf, "\\%c", *p++);
		else if (*p == '\n')
		{
			buf_str(buf, "\\n");
			p++;
		}
		else if (*p)
		{
			uint32_t	c = next_codepoint(&p);

			if (c > 0xFFFF)
				buf_fmt(buf, "\\u%04x\\u%04x",
						0xD800 + ((c - 0x10000) >> 10),
						0xDC00 + ((c - 0x10000) & 0x3FF));
			else
				buf_fmt(buf, "\\u%04x", c);
		}
	}
	buf_char(buf, '"');
}

void
buf_tsv(Buf *buf, const char *text)
{
	for (const char *p = text; *p; p++)
	{
		if (*p == '\t')
			buf_str(buf, "\\t");
		else if (*p == '\n')
			buf_str(buf, "\\n");
		else if (*p == '\r')
			buf_str(buf, "\\r");
		else if (*p == '\\')
			buf_str(buf, "\\\\");
		else
			buf_char(buf, *p);
	}
}

void
buf_free(Buf *buf)
{
	free(buf->data);
	*buf = (Buf)
	{
		0
	};
}
