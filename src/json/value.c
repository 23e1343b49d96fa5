/*-------------------------------------------------------------------------
 *
 * value.c
 *	  Values of a parsed document: finding them, and their text.
 *
 *-------------------------------------------------------------------------
 */
#include "json/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^63: doubles from its negative on and below it convert to int64_t. */
#define INT64_BOUND 9223372036854775808.0

/* Room for any number: 20 digits, or sign, 17 digits, point and exponent */
#define NUMBER_SIZE 40

/*
 * Element of an array that the path component of len bytes names, or NULL.
 */
static json_t *
array_element(const json_t *array, const char *component, size_t len)
{
	size_t		index = 0;

	if (len == 0)
		return NULL;
	for (size_t i = 0; i < len; i++)
	{
		if (component[i] < '0' || component[i] > '9')
			return NULL;
		index = index * 10 + (size_t) (component[i] - '0');
		if (index >= json_array_size(array))
			return NULL;
	}
	return json_array_get(array, index);
}

json_t *
keyapi_json_follow(json_t *value, const char *path)
{
	return *path == '\0' ? value : keyapi_json_follow_below(value, path);
}

json_t *
keyapi_json_follow_below(json_t *value, const char *path)
{
	for (;;)
	{
		json_t	   *whole = json_object_get(value, path);
		size_t		len;

		if (whole != NULL)
			return whole;
		len = strcspn(path, ".");
		if (json_is_array(value))
			value = array_element(value, path, len);
		else
			value = json_object_getn(value, path, len);
		if (value == NULL || path[len] == '\0')
			return value;
		path += len + 1;
	}
}

bool
keyapi_json_real_to_integer(double value, int64_t *result)
{
	if (!(value >= -INT64_BOUND && value < INT64_BOUND) ||
		(double) (int64_t) value != value)
		return false;
	*result = (int64_t) value;
	return true;
}

/*
 * Text of a real.  Whole numbers are written as integers, because a column of
 * type integer takes 9, but not 9.0.  Numbers from 2^63 on fit no such column.
 */
static void
format_real(double value, char text[NUMBER_SIZE])
{
	int64_t		integer;

	if (keyapi_json_real_to_integer(value, &integer))
	{
		snprintf(text, NUMBER_SIZE, "%" PRId64, integer);
		return;
	}
	for (int precision = 15; precision <= 17; precision++)
	{
		snprintf(text, NUMBER_SIZE, "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}

	/* the locale's decimal point need not be one */
	for (char *p = text; *p != '\0'; p++)
	{
		if (strchr("0123456789+-e", *p) == NULL)
			*p = '.';
	}
}

static void
format_number(const json_t *value, char text[NUMBER_SIZE])
{
	if (json_is_integer(value))
		snprintf(text, NUMBER_SIZE, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
	else
		format_real(json_real_value(value), text);
}

/* Each byte of a word of 8 */
#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Nonzero if any of 8 bytes is below a limit of at most 0x80.
 */
static inline uint64_t
any_below(uint64_t word, uint64_t limit)
{
	return (word - BYTES(limit)) & ~word & BYTES(0x80);
}

/*
 * Whether any of the 8 bytes at s is to be escaped.
 */
static inline bool
has_special(const char *s)
{
	uint64_t	word;

	memcpy(&word, s, sizeof(word));
	return (any_below(word, 0x20) | any_below(word ^ BYTES('"'), 1) |
			any_below(word ^ BYTES('\\'), 1)) != 0;
}

/*
 * How many bytes there are before one that is to be escaped.
 */
static size_t
plain_length(const char *s, size_t len)
{
	size_t		n = 0;

	while (n + sizeof(uint64_t) <= len && !has_special(s + n))
		n += sizeof(uint64_t);
	if (n > 0 && n + sizeof(uint64_t) > len && !has_special(s + len - sizeof(uint64_t)))
		return len;
	while (n < len && (unsigned char) s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/*
 * Append what begins with a byte that is to be escaped, and perhaps has others.
 */
static void
write_escaped(KeyapiStrBuf *buf, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end)
	{
		size_t		plain;
		char		escaped[8];

		if (*s == '"' || *s == '\\')
			snprintf(escaped, sizeof(escaped), "\\%c", *s);
		else
			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned int) *s);
		keyapi_strbuf_append(buf, escaped, strlen(escaped));
		s++;
		plain = plain_length(s, (size_t) (end - s));
		keyapi_strbuf_append(buf, s, plain);
		s += plain;
	}
}

void
keyapi_json_write_string(KeyapiStrBuf *buf, const char *s, size_t len)
{
	size_t		plain = plain_length(s, len);
	char	   *text = keyapi_strbuf_extend(buf, plain + 1);

	if (text == NULL)
		return;
	text[0] = '"';
	memcpy(text + 1, s, plain);
	write_escaped(buf, s + plain, len - plain);
	keyapi_strbuf_append(buf, "\"", 1);
}

static void
write_object(KeyapiStrBuf *buf, json_t *object)
{
	const char *separator = "{";

	for (void *i = json_object_iter(object); i != NULL;
		 i = json_object_iter_next(object, i))
	{
		const char *key = json_object_iter_key(i);

		keyapi_strbuf_append(buf, separator, 1);
		keyapi_json_write_string(buf, key, strlen(key));
		keyapi_strbuf_append(buf, ":", 1);
		keyapi_json_write(buf, json_object_iter_value(i));
		separator = ",";
	}
	if (*separator == '{')
		keyapi_strbuf_append(buf, "{", 1);
	keyapi_strbuf_append(buf, "}", 1);
}

static void
write_array(KeyapiStrBuf *buf, const json_t *array)
{
	keyapi_strbuf_append(buf, "[", 1);
	for (size_t i = 0; i < json_array_size(array); i++)
	{
		if (i > 0)
			keyapi_strbuf_append(buf, ",", 1);
		keyapi_json_write(buf, json_array_get(array, i));
	}
	keyapi_strbuf_append(buf, "]", 1);
}

/* jansson's own writer would write 0.1 with 17 digits. */
void
keyapi_json_write(KeyapiStrBuf *buf, const json_t *value)
{
	char		number[NUMBER_SIZE];

	switch (json_typeof(value))
	{
		case JSON_OBJECT:
			write_object(buf, (json_t *) value);
			break;
		case JSON_ARRAY:
			write_array(buf, value);
			break;
		case JSON_STRING:
			keyapi_json_write_string(buf, json_string_value(value), json_string_length(value));
			break;
		case JSON_INTEGER:
		case JSON_REAL:
			format_number(value, number);
			keyapi_strbuf_append(buf, number, strlen(number));
			break;
		case JSON_TRUE:
			keyapi_strbuf_append(buf, "true", 4);
			break;
		case JSON_FALSE:
			keyapi_strbuf_append(buf, "false", 5);
			break;
		case JSON_NULL:
			keyapi_strbuf_append(buf, "null", 4);
			break;
	}
}

void
keyapi_json_write_text(KeyapiStrBuf *buf, const json_t *value)
{
	if (json_is_string(value))
		keyapi_strbuf_append(buf, json_string_value(value), json_string_length(value));
	else
		keyapi_json_write(buf, value);
}

KeyapiMemberKind
keyapi_json_kind(const json_t *value)
{
	int64_t		integer;

	switch (json_typeof(value))
	{
		case JSON_OBJECT:
			return KEYAPI_MEMBER_OBJECT;
		case JSON_ARRAY:
			return KEYAPI_MEMBER_ARRAY;
		case JSON_STRING:
			return KEYAPI_MEMBER_STRING;
		case JSON_INTEGER:
			return KEYAPI_MEMBER_INTEGER;
		case JSON_REAL:
			return keyapi_json_real_to_integer(json_real_value(value), &integer) ?
				KEYAPI_MEMBER_INTEGER : KEYAPI_MEMBER_REAL;
		case JSON_TRUE:
			return KEYAPI_MEMBER_TRUE;
		case JSON_FALSE:
			return KEYAPI_MEMBER_FALSE;
		case JSON_NULL:
			break;
	}
	return KEYAPI_MEMBER_NULL;
}
