/*-------------------------------------------------------------------------
 *
 * decode.c
 *	  Body of a response -> a page as one block, or what the API says instead.
 *
 * What decoding returns is copied from the parsed document, which goes as a whole
 * with the memory that it is in.
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

#include "json/block_writer.h"
#include "json/repair.h"
#include "json/strbuf.h"
#include "json/value.h"

/* Room for a reason; ours are a line each. */
#define REASON_SIZE 160

/* What some servers call success instead of 0. */
#define CODE_HTTP_OK 200

typedef struct Decoder
{
	const KeyapiEndpoint *endpoint;
	const KeyapiDecodeMemory *memory;
	KeyapiDecoded *out;
	KeyapiBlock header;			/* what is said of the page */
	KeyapiBlockWriter writer;
	bool		no_memory;
} Decoder;

/*
 * A copy that outlives the decoder.  NULL sets no_memory.
 */
static const char *
copy_text(Decoder *d, const char *bytes, size_t len)
{
	char	   *result = NULL;

	if (!d->no_memory)
		result = d->memory->texts.alloc(d->memory->texts.arg, len + 1);
	if (result == NULL)
	{
		d->no_memory = true;
		return NULL;
	}
	memcpy(result, bytes, len);
	result[len] = '\0';
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
 * A part of what the writer has written so far; NULL if there is none.
 */
static const char *
copy_span(Decoder *d, KeyapiBlockSpan span)
{
	if (span.offset == UINT32_MAX)
		return NULL;
	if (d->writer.text.no_memory)
	{
		d->no_memory = true;
		return NULL;
	}
	/* nothing is written yet if an empty text is the first */
	return copy_text(d, span.len == 0 ? "" : d->writer.text.data + span.offset,
					 span.len);
}

/*
 * A member of an object, under the first of its names that has a value other
 * than null; or NULL.  names may be NULL: then there is none.
 */
static json_t *
member(const json_t *object, KeyapiTexts names)
{
	for (; names != NULL && *names != NULL; names++)
	{
		json_t	   *value = json_object_get(object, *names);

		if (value != NULL && !json_is_null(value))
			return value;
	}
	return NULL;
}

/*
 * Whether a part of the envelope is there, even if it is null.
 */
static bool
has_member(const json_t *object, KeyapiTexts names)
{
	for (; names != NULL && *names != NULL; names++)
	{
		if (json_object_get(object, *names) != NULL)
			return true;
	}
	return false;
}

/*
 * Read a whole number: 500, 500.0 or "500".  A missing value leaves
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
		return keyapi_json_real_to_integer(json_real_value(value), result);
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
 * Read a boolean: true, "true", 1 or "1".  As read_integer.
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

static void
reset_document(Decoder *d)
{
	d->memory->reset_document(d->memory->document.arg);
}

/*
 * Parse what repairing makes of the body.  Sets *root on success only.
 */
static KeyapiDecodeResult
parse_repaired(Decoder *d, const char *body, size_t len, json_t **root)
{
	KeyapiStrBuf repaired = {0};
	bool		incomplete = keyapi_json_repair(body, len, &repaired);
	json_error_t error = {0};
	json_t	   *parsed = NULL;

	/* what the parser has made of the body as it is */
	reset_document(d);
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
 * Parse the body.  Sets *root on success only.
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
	 * The error is of no use yet: jansson reports half a word as a wrong one,
	 * and it stops at the first thing that can be repaired.
	 */
	return parse_repaired(d, body, len, root);
}

static KeyapiDecodeResult
bad_pagination(Decoder *d, KeyapiTexts names, const char *problem)
{
	const KeyapiEnvelope *envelope = d->endpoint->envelope;

	return fail(d, KEYAPI_DECODE_NO_DATA, "%s.%s.%s is %s", envelope->data[0],
				envelope->pagination[0], names[0], problem);
}

static KeyapiDecodeResult
read_pagination(Decoder *d, const json_t *data)
{
	const KeyapiEnvelope *envelope = d->endpoint->envelope;
	json_t	   *pagination = member(data, envelope->pagination);
	int			has_more = -1;
	int64_t		page_size = 0;
	int64_t		total_count = -1;

	if (pagination != NULL && !json_is_object(pagination))
		return fail(d, KEYAPI_DECODE_NO_DATA, "%s.%s is not an object",
					envelope->data[0], envelope->pagination[0]);
	if (!read_boolean(member(pagination, envelope->has_more), &has_more))
		return bad_pagination(d, envelope->has_more, "neither true nor false");
	if (!read_integer(member(pagination, envelope->page_size), &page_size) ||
		page_size > INT_MAX)
		return bad_pagination(d, envelope->page_size, "not an integer");
	if (!read_integer(member(pagination, envelope->total_count), &total_count))
		return bad_pagination(d, envelope->total_count, "not an integer");
	d->header.has_more = has_more;
	d->header.limit = page_size > 0 ? (int) page_size : 0;
	d->header.total_count = total_count >= 0 ? total_count : -1;
	return KEYAPI_DECODE_OK;
}

static KeyapiDecodeResult
read_items(Decoder *d, const json_t *data)
{
	const KeyapiEndpoint *endpoint = d->endpoint;
	const char *object = endpoint->envelope->data[0];
	const char *name = endpoint->array[0];
	json_t	   *array = member(data, endpoint->array);
	size_t		n = json_array_size(array);

	if (array == NULL ? !has_member(data, endpoint->array) : !json_is_array(array))
		return fail(d, KEYAPI_DECODE_NO_DATA, "%s.%s is %s", object, name,
					array == NULL ? "missing" : "not an array");
	if (n > INT_MAX)
		return fail(d, KEYAPI_DECODE_NO_DATA, "%s.%s is too long", object, name);
	for (size_t i = 0; i < n; i++)
	{
		json_t	   *item = json_array_get(array, i);

		if (!json_is_object(item))
			return fail(d, KEYAPI_DECODE_NO_DATA,
						"element %zu of %s.%s is not an object", i, object, name);
		keyapi_block_writer_add(&d->writer, item, endpoint->id_field,
								endpoint->echo_field);
	}
	d->out->block = keyapi_block_writer_finish(&d->writer, &d->header,
											   &d->memory->block);
	return d->out->block == NULL ? KEYAPI_DECODE_NO_MEMORY : KEYAPI_DECODE_OK;
}

static KeyapiDecodeResult
read_envelope(Decoder *d, const json_t *root)
{
	const KeyapiEnvelope *envelope = d->endpoint->envelope;
	KeyapiDecodeResult result;
	json_t	   *data = member(root, envelope->data);

	if (!json_is_object(root))
		return fail(d, KEYAPI_DECODE_NO_DATA, "the JSON document is not an object");
	d->header.message = keyapi_block_writer_text(&d->writer, member(root, envelope->message));
	d->header.request_id = keyapi_block_writer_text(&d->writer,
													member(root, envelope->request_id));
	d->out->message = copy_span(d, d->header.message);
	d->out->request_id = copy_span(d, d->header.request_id);
	if (!read_integer(member(root, envelope->code), &d->out->code))
		return fail(d, KEYAPI_DECODE_NO_DATA, "%s is not an integer",
					envelope->code[0]);
	if (d->out->code != 0 && d->out->code != CODE_HTTP_OK)
		return KEYAPI_DECODE_REFUSED;
	if (d->no_memory)
		return KEYAPI_DECODE_NO_MEMORY;
	if (!json_is_object(data))
		return fail(d, KEYAPI_DECODE_NO_DATA, "%s is %s", envelope->data[0],
					data == NULL ? "missing or null" : "not an object");
	result = read_pagination(d, data);
	if (result != KEYAPI_DECODE_OK)
		return result;
	return read_items(d, data);
}

/* ---------------------------------------------------------------------
 * Memory of the document
 * ---------------------------------------------------------------------
 */

/* Where jansson's memory comes from during decoding; else NULL */
static const KeyapiAllocator *document_memory = NULL;

static void *
document_alloc(size_t size)
{
	return document_memory->alloc(document_memory->arg, size);
}

/* All of it goes at once. */
static void
document_free(void *memory)
{
	(void) memory;
}

/* jansson's memory functions. */
typedef struct MemoryFunctions
{
	json_malloc_t alloc;
	json_free_t free;
#if JANSSON_VERSION_HEX >= 0x020f00
	json_realloc_t realloc;		/* NULL: the other two do */
#endif
} MemoryFunctions;

static MemoryFunctions
get_memory_functions(void)
{
	MemoryFunctions functions;

#if JANSSON_VERSION_HEX >= 0x020f00
	json_get_alloc_funcs2(&functions.alloc, &functions.realloc, &functions.free);
#else
	json_get_alloc_funcs(&functions.alloc, &functions.free);
#endif
	return functions;
}

/*
 * A library of 2.15 or later that is used by a build for an earlier one forgets
 * what others have set to realloc, and does without.
 */
static void
set_memory_functions(const MemoryFunctions *functions)
{
#if JANSSON_VERSION_HEX >= 0x020f00
	json_set_alloc_funcs2(functions->alloc, functions->realloc, functions->free);
#else
	json_set_alloc_funcs(functions->alloc, functions->free);
#endif
}

/*
 * Parse and read the body.  A document has hundreds of pieces or more, and to malloc
 * and free each took 8 % of the CPU time of a page.  jansson's author says that its
 * functions may be replaced for a while, if nothing that was allocated by the ones
 * is freed by the others (akheron/jansson, issue 669).
 */
static KeyapiDecodeResult
decode_document(Decoder *d, const char *body, size_t len)
{
	const MemoryFunctions before = get_memory_functions();
	const MemoryFunctions ours = {.alloc = document_alloc,.free = document_free};
	json_t	   *root = NULL;
	KeyapiDecodeResult result;

	document_memory = &d->memory->document;
	set_memory_functions(&ours);
	result = parse(d, body, len, &root);
	if (result == KEYAPI_DECODE_OK)
		result = read_envelope(d, root);
	set_memory_functions(&before);
	document_memory = NULL;
	reset_document(d);
	return result;
}

/* ---------------------------------------------------------------------
 * Interface
 * ---------------------------------------------------------------------
 */

KeyapiDecodeResult
keyapi_json_decode(const char *body, size_t len, const KeyapiEndpoint *endpoint,
				   const KeyapiDecodeMemory *memory, KeyapiDecoded *out)
{
	Decoder		d = {
		.endpoint = endpoint,
		.memory = memory,
		.out = out,
	};
	KeyapiDecodeResult result;

	*out = (KeyapiDecoded)
	{
		0
	};
	result = decode_document(&d, body, len);
	keyapi_block_writer_free(&d.writer);

	if (d.no_memory)
		result = KEYAPI_DECODE_NO_MEMORY;
	if (result != KEYAPI_DECODE_OK)
		out->block = NULL;
	if (result == KEYAPI_DECODE_NO_MEMORY)
		out->error = "out of memory";
	return result;
}

const char *
keyapi_json_version(void)
{
	static char version[64];

	snprintf(version, sizeof(version), "jansson %s", jansson_version_str());
	return version;
}
