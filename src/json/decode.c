/*-------------------------------------------------------------------------
 *
 * decode.c
 *	  Body of a response -> envelope, pagination and text cells.
 *
 * A parsed document lives in jansson's own memory until the cells are copied
 * out of it.  json_decref of its root frees all of it: everything else borrows.
 *
 *-------------------------------------------------------------------------
 */
#include "json/decode.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json/repair.h"
#include "json/strbuf.h"
#include "json/value.h"

/* Room for a reason; ours are a line each. */
#define REASON_SIZE 160

/* What some servers call success instead of 0. */
#define CODE_HTTP_OK 200

/* What the envelope calls its parts. */
typedef enum Member
{
	MEMBER_CODE,
	MEMBER_MESSAGE,
	MEMBER_REQUEST_ID,
	MEMBER_DATA,
	MEMBER_PAGINATION,
	MEMBER_HAS_MORE,
	MEMBER_LIMIT,
	MEMBER_TOTAL_COUNT,
	MEMBER_VIDEOS
} Member;

/* Their names, the documented one first. */
static const char *const member_names[][2] = {
	[MEMBER_CODE] = {"code"},
	[MEMBER_MESSAGE] = {"message", "msg"},
	[MEMBER_REQUEST_ID] = {"requestId"},
	[MEMBER_DATA] = {"data"},
	[MEMBER_PAGINATION] = {"pagination"},
	[MEMBER_HAS_MORE] = {"has_more"},
	[MEMBER_LIMIT] = {"limit", "size"},
	[MEMBER_TOTAL_COUNT] = {"total_count", "total"},
	[MEMBER_VIDEOS] = {"videos", "list"},
};

typedef struct Decoder
{
	const KeyapiAllocator *allocator;
	KeyapiDecoded *out;
	KeyapiStrBuf buf;			/* compact JSON, before it is copied */
	bool		no_memory;
} Decoder;

/*
 * Memory that outlives the decoder.  NULL sets no_memory.
 */
static void *
allocate(Decoder *d, size_t size)
{
	void	   *result = NULL;

	if (!d->no_memory)
		result = d->allocator->alloc(d->allocator->arg, size);
	if (result == NULL)
		d->no_memory = true;
	return result;
}

static const char *
copy_text(Decoder *d, const char *bytes, size_t len)
{
	char	   *result = allocate(d, len + 1);

	if (result != NULL)
	{
		memcpy(result, bytes, len);
		result[len] = '\0';
	}
	return result;
}

/*
 * Record why there is no page, and return result.
 */
static KeyapiDecodeResult fail(Decoder *d, KeyapiDecodeResult result,
							   const char *format,...)
			__attribute__((format(printf, 3, 4)));

static KeyapiDecodeResult
fail(Decoder *d, KeyapiDecodeResult result, const char *format,...)
{
	char		reason[REASON_SIZE];
	va_list		args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	d->out->error = copy_text(d, reason, strlen(reason));
	return result;
}

/*
 * Text of a value as decode.h says it; NULL for NULL and null.
 */
static const char *
text_of(Decoder *d, const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return copy_text(d, json_string_value(value), json_string_length(value));

	d->buf.len = 0;
	keyapi_json_write(&d->buf, value);
	if (d->buf.no_memory)
	{
		d->no_memory = true;
		return NULL;
	}
	return copy_text(d, d->buf.data, d->buf.len);
}

/*
 * A part of the envelope, under the first of its names that has a value other
 * than null; or NULL.
 */
static json_t *
member(const json_t *object, Member which)
{
	for (int i = 0; i < 2 && member_names[which][i] != NULL; i++)
	{
		json_t	   *value = json_object_get(object, member_names[which][i]);

		if (value != NULL && !json_is_null(value))
			return value;
	}
	return NULL;
}

/*
 * Read a whole number, be it 500, 500.0 or "500".  A missing value leaves
 * *result alone.  Returns false if the value is something else.
 */
static bool
read_integer(const json_t *value, int64_t *result)
{
	if (value == NULL)
		return true;
	if (json_is_integer(value))
	{
		*result = json_integer_value(value);
		return true;
	}
	if (json_is_real(value))
		return keyapi_real_to_integer(json_real_value(value), result);
	if (json_is_string(value))
	{
		const char *s = json_string_value(value);
		char	   *end;
		long long	number;

		errno = 0;
		number = strtoll(s, &end, 10);
		if (end == s || *end != '\0' || errno != 0)
			return false;
		*result = number;
		return true;
	}
	return false;
}

/*
 * Read a truth value, be it true, "true", 1 or "1".  As read_integer.
 */
static bool
read_boolean(const json_t *value, int *result)
{
	int64_t		number = -1;

	if (value == NULL)
		return true;
	if (json_is_boolean(value))
		number = json_is_true(value);
	else if (json_is_string(value) &&
			 strcasecmp(json_string_value(value), "true") == 0)
		number = 1;
	else if (json_is_string(value) &&
			 strcasecmp(json_string_value(value), "false") == 0)
		number = 0;
	else if (!read_integer(value, &number))
		return false;
	if (number != 0 && number != 1)
		return false;
	*result = (int) number;
	return true;
}

/*
 * Parse what repairing makes of the body.  Sets *root on success only.
 */
static KeyapiDecodeResult
parse_repaired(Decoder *d, const char *body, size_t len, json_t **root)
{
	KeyapiStrBuf repaired = {0};
	bool		incomplete = keyapi_repair_json(body, len, &repaired);
	json_error_t error = {0};
	json_t	   *parsed = NULL;

	if (repaired.no_memory)
	{
		keyapi_strbuf_free(&repaired);
		return KEYAPI_DECODE_NO_MEMORY;
	}
	parsed = json_loadb(repaired.data ? repaired.data : "", repaired.len,
						JSON_DECODE_ANY, &error);
	keyapi_strbuf_free(&repaired);

	if (parsed != NULL && !incomplete)
	{
		*root = parsed;
		return KEYAPI_DECODE_OK;
	}
	if (parsed != NULL)
	{
		/* a whole document, and after it the beginning of a word */
		json_decref(parsed);
		return fail(d, KEYAPI_DECODE_NOT_JSON, "text follows the JSON document");
	}
	if (error.text[0] == '\0')
		return KEYAPI_DECODE_NO_MEMORY; /* jansson says nothing else then */

	switch (json_error_code(&error))
	{
		case json_error_out_of_memory:
			return KEYAPI_DECODE_NO_MEMORY;
		case json_error_premature_end_of_input:
			return fail(d, KEYAPI_DECODE_TRUNCATED,
						"the body ends inside the JSON document");
		case json_error_stack_overflow:
			return fail(d, KEYAPI_DECODE_NOT_JSON,
						"the JSON document is nested too deeply");
		case json_error_end_of_input_expected:
			return fail(d, KEYAPI_DECODE_NOT_JSON,
						"text follows the JSON document");
		default:
			return fail(d, KEYAPI_DECODE_NOT_JSON, "the body is not JSON");
	}
}

/*
 * Parse the body.  Sets *root on success only; the caller frees it.
 */
static KeyapiDecodeResult
parse(Decoder *d, const char *body, size_t len, json_t **root)
{
	static const char bom[] = {'\xEF', '\xBB', '\xBF'};
	size_t		skip = 0;

	/* a byte order mark, or as much of it as there is */
	while (skip < len && skip < sizeof(bom) && body[skip] == bom[skip])
		skip++;
	if (skip == len)
		return fail(d, KEYAPI_DECODE_TRUNCATED, "the body is empty");
	if (skip == sizeof(bom))
	{
		body += skip;
		len -= skip;
	}

	/* jansson overlooks a NUL that follows a number */
	if (memchr(body, '\0', len) == NULL)
		*root = json_loadb(body, len, JSON_DECODE_ANY, NULL);
	if (*root != NULL)
		return KEYAPI_DECODE_OK;

	/*
	 * jansson's reason is of no use yet: it takes a cut word for a wrong one,
	 * and stops at the first thing that can be repaired.
	 */
	return parse_repaired(d, body, len, root);
}

static KeyapiDecodeResult
read_pagination(Decoder *d, const json_t *data)
{
	json_t	   *pagination = member(data, MEMBER_PAGINATION);
	int64_t		limit = 0;
	int64_t		total_count = -1;

	if (pagination != NULL && !json_is_object(pagination))
		return fail(d, KEYAPI_DECODE_NO_DATA, "data.pagination is not an object");
	if (!read_boolean(member(pagination, MEMBER_HAS_MORE), &d->out->has_more))
		return fail(d, KEYAPI_DECODE_NO_DATA,
					"data.pagination.has_more is neither true nor false");
	if (!read_integer(member(pagination, MEMBER_LIMIT), &limit) ||
		limit > INT_MAX)
		return fail(d, KEYAPI_DECODE_NO_DATA,
					"data.pagination.limit is not an integer");
	if (!read_integer(member(pagination, MEMBER_TOTAL_COUNT), &total_count))
		return fail(d, KEYAPI_DECODE_NO_DATA,
					"data.pagination.total_count is not an integer");
	d->out->limit = limit > 0 ? (int) limit : 0;
	d->out->total_count = total_count >= 0 ? total_count : -1;
	return KEYAPI_DECODE_OK;
}

static KeyapiDecodeResult
read_videos(Decoder *d, const json_t *data, const KeyapiEndpoint *endpoint,
			const char *const *paths, int npaths)
{
	json_t	   *list = member(data, MEMBER_VIDEOS);
	size_t		n = json_array_size(list);
	KeyapiVideo *videos = NULL;
	const char **cells = NULL;

	if (!json_is_array(list))
		return fail(d, KEYAPI_DECODE_NO_DATA, "data.videos is %s",
					list == NULL ? "missing or null" : "not an array");
	if (n > INT_MAX)
		return fail(d, KEYAPI_DECODE_NO_DATA, "data.videos is too long");
	if (n > 0)
		videos = allocate(d, n * sizeof(KeyapiVideo));
	if (n > 0 && npaths > 0)
		cells = allocate(d, n * (size_t) npaths * sizeof(char *));

	for (size_t i = 0; i < n && !d->no_memory; i++)
	{
		json_t	   *video = json_array_get(list, i);

		if (!json_is_object(video))
			return fail(d, KEYAPI_DECODE_NO_DATA,
						"element %zu of data.videos is not an object", i);
		videos[i].id = endpoint->id_field == NULL ? NULL :
			text_of(d, keyapi_json_follow(video, endpoint->id_field));
		videos[i].echo = endpoint->echo_field == NULL ? NULL :
			text_of(d, keyapi_json_follow(video, endpoint->echo_field));
		videos[i].cells = cells;
		for (int k = 0; k < npaths; k++)
			*cells++ = text_of(d, keyapi_json_follow(video, paths[k]));
	}
	if (d->no_memory)
		return KEYAPI_DECODE_NO_MEMORY;
	d->out->videos = videos;
	d->out->nvideos = (int) n;
	return KEYAPI_DECODE_OK;
}

static KeyapiDecodeResult
read_envelope(Decoder *d, const json_t *root, const KeyapiEndpoint *endpoint,
			  const char *const *paths, int npaths)
{
	KeyapiDecodeResult result;
	json_t	   *data = member(root, MEMBER_DATA);

	if (!json_is_object(root))
		return fail(d, KEYAPI_DECODE_NO_DATA, "the JSON document is not an object");
	d->out->message = text_of(d, member(root, MEMBER_MESSAGE));
	d->out->request_id = text_of(d, member(root, MEMBER_REQUEST_ID));
	if (!read_integer(member(root, MEMBER_CODE), &d->out->code))
		return fail(d, KEYAPI_DECODE_NO_DATA, "code is not an integer");
	if (d->out->code != 0 && d->out->code != CODE_HTTP_OK)
		return KEYAPI_DECODE_REFUSED;
	if (!json_is_object(data))
		return fail(d, KEYAPI_DECODE_NO_DATA, "data is %s",
					data == NULL ? "missing or null" : "not an object");
	result = read_pagination(d, data);
	if (result != KEYAPI_DECODE_OK)
		return result;
	return read_videos(d, data, endpoint, paths, npaths);
}

KeyapiDecodeResult
keyapi_decode(const char *body, size_t len, const KeyapiEndpoint *endpoint,
			  const char *const *paths, int npaths,
			  const KeyapiAllocator *allocator, KeyapiDecoded *out)
{
	const KeyapiDecoded nothing = {.has_more = -1,.total_count = -1};
	Decoder		d = {.allocator = allocator,.out = out};
	json_t	   *root = NULL;
	KeyapiDecodeResult result;

	*out = nothing;
	result = parse(&d, body, len, &root);
	if (result == KEYAPI_DECODE_OK)
		result = read_envelope(&d, root, endpoint, paths, npaths);
	json_decref(root);
	keyapi_strbuf_free(&d.buf);

	if (d.no_memory)
		result = KEYAPI_DECODE_NO_MEMORY;
	if (result == KEYAPI_DECODE_NO_MEMORY)
		out->error = "out of memory";
	return result;
}
