/*-------------------------------------------------------------------------
 *
 * decode_test.c
 *	  Tests of the decoder, without a server.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/decode.h"
#include "json/field.h"
#include "decode_cases.h"

/* All that a caller might hold on to, and a time to run out of it. */
typedef struct Arena
{
	void	   *chunks[10000];
	int			nchunks;
	int			fail_at;		/* number of the allocation that fails, or -1 */
	int			most;			/* chunks at a time, since that was set to 0 */
} Arena;

static Arena arena = {.fail_at = -1};
static Arena document_arena = {.fail_at = -1};
static int	ntests = 0;
static int	nfailed = 0;

/* malloc and realloc of the code under test; see the Makefile's --wrap */
static int	realloc_fail_at = -1;
static int	nreallocs = 0;
extern void *__real_realloc(void *old, size_t size);
extern void *__wrap_realloc(void *old, size_t size);

void *
__wrap_realloc(void *old, size_t size)
{
	return nreallocs++ == realloc_fail_at ? NULL : __real_realloc(old, size);
}

static void *
arena_alloc(void *arg, size_t size)
{
	Arena	   *a = arg;

	if (a->nchunks == a->fail_at)
		return NULL;
	if (a->nchunks == (int) (sizeof(a->chunks) / sizeof(a->chunks[0])))
		abort();
	a->chunks[a->nchunks++] = malloc(size);
	if (a->nchunks > a->most)
		a->most = a->nchunks;
	return a->chunks[a->nchunks - 1];
}

static const KeyapiAllocator allocator = {.alloc = arena_alloc,.arg = &arena};

static void
arena_reset(void *arg)
{
	Arena	   *a = arg;

	for (int i = 0; i < a->nchunks; i++)
		free(a->chunks[i]);
	a->nchunks = 0;
}

/* What is parsed never fails: a jansson that was built with assertions aborts then. */
static const KeyapiDecodeMemory memory = {
	.document = {.alloc = arena_alloc,.arg = &document_arena},
	.reset_document = arena_reset,
	.block = {.alloc = arena_alloc,.arg = &arena},
	.texts = {.alloc = arena_alloc,.arg = &arena},
};

static void
ok(bool passed, const char *name)
{
	ntests++;
	if (!passed)
		nfailed++;
	printf("%sok %d - %s\n", passed ? "" : "not ", ntests, name);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
is(const char *got, const char *expected, const char *name)
{
	ok(same(got, expected), name);
	if (!same(got, expected))
		printf("#      got: %s\n# expected: %s\n", got ? got : "NULL",
			   expected ? expected : "NULL");
}

static void
is_int(int64_t got, int64_t expected, const char *name)
{
	ok(got == expected, name);
	if (got != expected)
		printf("#      got: %lld\n# expected: %lld\n", (long long) got,
			   (long long) expected);
}

/*
 * Decode a copy of the body that ends where its memory ends, so that a
 * sanitizer sees each byte read beyond.
 */
static KeyapiDecodeResult
decode_as(const KeyapiEndpoint *endpoint, const char *body, size_t len,
		  KeyapiDecoded *out)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	KeyapiDecodeResult result;

	arena_reset(&arena);
	memcpy(copy, body, len);
	memset(out, 0x7F, sizeof(*out));
	result = keyapi_json_decode(copy, len, endpoint, &memory, out);
	free(copy);
	if ((result == KEYAPI_DECODE_OK) != (out->block != NULL))
		ok(false, "success has a block, and nothing else");
	if (out->block != NULL && keyapi_block_open(out->block, out->block->size) == NULL)
		ok(false, "what was written can be opened");
	if (result != KEYAPI_DECODE_OK && result != KEYAPI_DECODE_REFUSED &&
		out->error == NULL)
		ok(false, "a failure has a reason");
	return result;
}

/* The same for the endpoint that most cases are about. */
static KeyapiDecodeResult
decode(const char *body, size_t len, KeyapiDecoded *out)
{
	return decode_as(&keyapi_endpoints[0], body, len, out);
}

/* A text as a string, in the arena; NULL for none. */
static const char *
string_of(KeyapiSlice text)
{
	char	   *result;

	if (text.data == NULL)
		return NULL;
	result = arena_alloc(&arena, text.len + 1);
	memcpy(result, text.data, text.len);
	result[text.len] = '\0';
	return result;
}

/* What a path leads to in a row, as text. */
static const char *
text_at(const KeyapiBlock *block, int row, const char *path)
{
	KeyapiField field = keyapi_field_resolve(path, keyapi_block_names(block));
	KeyapiMember member;
	char	   *result;

	if (!keyapi_field_read(&field, block, row, &allocator, &member))
		return "no memory";
	if (member.kind == KEYAPI_MEMBER_MISSING || member.kind == KEYAPI_MEMBER_NULL)
		return NULL;
	if (!member.escaped)
		return string_of(member.text);
	result = arena_alloc(&arena, member.text.len + 1);
	result[keyapi_json_unescape(member.text, result)] = '\0';
	return result;
}

static const char *
id_of(const KeyapiDecoded *out, int row)
{
	return string_of(keyapi_block_id(out->block, row));
}

static const char *
echo_of(const KeyapiDecoded *out, int row)
{
	return string_of(keyapi_block_echo(out->block, row));
}

/* What a path leads to in the first video of a body. */
static const char *
cell(const char *body, size_t len, const char *path)
{
	KeyapiDecoded out;
	KeyapiDecodeResult result = decode(body, len, &out);

	if (result != KEYAPI_DECODE_OK)
		printf("# result %d: %s\n", result, out.error ? out.error : "");
	if (result != KEYAPI_DECODE_OK || out.block->nrows < 1)
		return "no cell";
	return text_at(out.block, 0, path);
}

static void
test_example(void)
{
	KeyapiDecoded out;

	is_int(decode(example, strlen(example), &out),
		   KEYAPI_DECODE_OK, "documented example");
	is_int(out.code, 0, "example: code");
	is(out.message, "success", "example: message");
	is(out.request_id, "d78497da-6b4e-4da3-b15e-da48fca8d5af", "example: request id");
	is_int(out.block->has_more, 1, "example: has_more");
	is_int(out.block->limit, 1, "example: limit");
	is_int(out.block->total_count, 500, "example: total_count");
	is_int(out.block->nrows, 1, "example: items");
	is(out.error, NULL, "example: no error");

	const KeyapiBlock *block = out.block;

	is(id_of(&out, 0), "7587114666132868383", "example: id of the row");
	is(echo_of(&out, 0), "US", "example: echo of the region");
	is(text_at(block, 0, "id"), "7587114666132868383", "example: id");
	ok(strstr(text_at(block, 0, "title"), "it\xE2\x80\x99s about to get even better. \xF0\x9F\x90\xB6") != NULL,
	   "example: title in UTF-8");
	is(text_at(block, 0, "duration"), "9", "example: duration");
	ok(strstr(text_at(block, 0, "cover"), "VideoID=v15044gf0000d55dh1fog65tuspo944g") != NULL,
	   "example: cover");
	is(text_at(block, 0, "item_url"), "https://www.tiktok.com/@mnm_pipi/video/7587114666132868383",
	   "example: item_url");
	is(text_at(block, 0, "region"), "United States", "example: region");
	is(text_at(block, 0, "nothing"), NULL, "example: missing field");

	const char *json = text_at(block, 0, "");
	size_t		len = strlen(json);
	const char *object = strstr(example, "{\"country_code");

	ok(strncmp(object, json, len) == 0 &&
	   strcmp(object + len, "]},\"requestId\":\"d78497da-6b4e-4da3-b15e-da48fca8d5af\"}") == 0,
	   "example: the whole object, as it was");
}

static void
test_cells(void)
{
	for (size_t i = 0; i < sizeof(cell_cases) / sizeof(cell_cases[0]); i++)
	{
		const CellCase *c = &cell_cases[i];

		is(cell(c->body, strlen(c->body), c->path), c->expected, c->name);
	}

	static const char nul[] = PAGE("{\"v\":\"a\0b\"}");

	is(cell(nul, sizeof(nul) - 1, "v"), "a" FFFD "b", "raw NUL");
}

static void
test_results(void)
{
	static const char nul[] = PAGE("{\"v\":5\0}");
	KeyapiDecoded out;

	for (size_t i = 0; i < sizeof(result_cases) / sizeof(result_cases[0]); i++)
	{
		const ResultCase *c = &result_cases[i];

		is_int(decode(c->body, strlen(c->body), &out), c->result,
			   c->name);
	}
	is_int(decode(nul, sizeof(nul) - 1, &out), KEYAPI_DECODE_NOT_JSON,
		   "NUL after a number");
	is_int(decode("\0{}", 3, &out), KEYAPI_DECODE_NOT_JSON,
		   "NUL outside a string");
	is_int(decode(PAGE("null"), strlen(PAGE("null")), &out),
		   KEYAPI_DECODE_NO_DATA, "a reason that names the place");
	is(out.error, "element 0 of data.videos is not an object", "... is this one");
}

static void
test_pagination(void)
{
	for (size_t i = 0; i < sizeof(pagination_cases) / sizeof(pagination_cases[0]); i++)
	{
		KeyapiDecoded out;
		const char *body = pagination_cases[i].body;
		KeyapiDecodeResult result = decode(body, strlen(body), &out);

		ok(result == KEYAPI_DECODE_OK &&
		   out.block->has_more == pagination_cases[i].has_more &&
		   out.block->limit == pagination_cases[i].limit &&
		   out.block->total_count == pagination_cases[i].total_count, body);
		if (result != KEYAPI_DECODE_OK)
			printf("# result %d: %s\n", result, out.error);
		else
			printf("# has_more %d, limit %d, total_count %lld\n", out.block->has_more,
				   out.block->limit, (long long) out.block->total_count);
	}
}

static void
test_envelope(void)
{
	static const char msg[] =
	"{\"code\":\"402\",\"msg\":\"quota \\ud800\",\"requestId\":12345678901234567890123}";
	static const char mixed[] =
	"{\"message\":null,\"msg\":\"b\",\"requestId\":null,\"data\":null}";
	static const char ids[] =
	PAGE("{\"id\":7587114666132868383,\"country_code\":\"us\"},"
		 "{\"id\":\"7587114666132868384\",\"country_code\":null},{}");
	KeyapiDecoded out;

	is_int(decode(msg, strlen(msg), &out), KEYAPI_DECODE_REFUSED,
		   "refusal to be repaired");
	is_int(out.code, 402, "code as string");
	is(out.message, "quota " FFFD, "msg for message");
	is(out.request_id, "12345678901234567890123", "requestId as large number");

	is_int(decode(mixed, strlen(mixed), &out),
		   KEYAPI_DECODE_NO_DATA, "no data");
	is_int(out.code, 0, "no code means 0");
	is(out.message, "b", "msg beside a message of null");
	is(out.request_id, NULL, "requestId null");
	is(out.error, "data is missing or null", "what is wrong with it");

	is_int(decode(ids, strlen(ids), &out), KEYAPI_DECODE_OK,
		   "videos without paths");
	is_int(out.block->nrows, 3, "three videos");
	is(id_of(&out, 0), "7587114666132868383", "id as number");
	is(id_of(&out, 1), "7587114666132868384", "id as string");
	is(id_of(&out, 2), NULL, "no id");
	is(echo_of(&out, 0), "us", "echo");
	is(echo_of(&out, 1), NULL, "echo null");
	is(echo_of(&out, 2), NULL, "no echo");
}

/*
 * The table decides what the parts of a response are called (odd_endpoints.c).
 */
static void
test_odd_things(void)
{
	static const char body[] =
	"{\"ret\":200,\"words\":\"fine\",\"trace\":\"t1\",\"payload\":{"
	"\"paging\":{\"more\":false,\"per_page\":7,\"n\":\"2\"},\"objects\":["
	"{\"key\":{\"id\":5},\"names\":[{\"en\":\"five\"}],\"country_code\":\"US\"},"
	"{\"id\":6}]}}";
	const KeyapiEndpoint *things = keyapi_endpoint_find("odd/things");
	KeyapiDecoded out;

	is_int(decode_as(things, body, strlen(body), &out), KEYAPI_DECODE_OK,
		   "names of another endpoint");
	is_int(out.code, 200, "other names: code");
	is(out.message, "fine", "other names: message");
	is(out.request_id, "t1", "other names: request id");
	is_int(out.block->has_more, 0, "other names: has_more");
	is_int(out.block->limit, 7, "other names: page size");
	is_int(out.block->total_count, 2, "other names: total count");
	is_int(out.block->nrows, 2, "other names: items");
	is(id_of(&out, 0), "5", "nested id");
	is(echo_of(&out, 0), NULL, "no echo");
	is(text_at(out.block, 0, "names.0.en"), "five", "nested field");
	is(id_of(&out, 1), NULL, "nested id that is missing");
	is(text_at(out.block, 1, "id"), "6", "field that another endpoint has for its id");
}

static void
test_odd_reasons(void)
{
	static const struct
	{
		const char *body;
		const char *reason;
	}			cases[] = {
		{PAGE("{}"), "payload is missing or null"},
		{"{\"ret\":\"x\"}", "ret is not an integer"},
		{"{\"payload\":7}", "payload is not an object"},
		{"{\"payload\":{\"videos\":[]}}", "payload.things is missing"},
		{"{\"payload\":{\"things\":7}}", "payload.things is not an array"},
		{"{\"payload\":{\"things\":[7]}}", "element 0 of payload.things is not an object"},
		{"{\"payload\":{\"paging\":[]}}", "payload.paging is not an object"},
		{"{\"payload\":{\"paging\":{\"more\":7}}}", "payload.paging.more is neither true nor false"},
		{"{\"payload\":{\"paging\":{\"per\":\"x\"}}}", "payload.paging.per is not an integer"},
		{"{\"payload\":{\"paging\":{\"n\":\"x\"}}}", "payload.paging.n is not an integer"},
	};
	const KeyapiEndpoint *things = keyapi_endpoint_find("odd/things");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		KeyapiDecoded out;

		decode_as(things, cases[i].body, strlen(cases[i].body), &out);
		is(out.error, cases[i].reason, cases[i].reason);
	}
}

/* An endpoint whose responses have nothing but items. */
static void
test_odd_bare(void)
{
	static const char body[] =
	"{\"code\":500,\"message\":\"m\",\"requestId\":\"r\",\"payload\":{\"lines\":"
	"[{\"id\":1},{}],\"pagination\":{\"has_more\":true,\"limit\":1,\"total\":1}}}";
	const KeyapiEndpoint *bare = keyapi_endpoint_find("odd/bare");
	KeyapiDecoded out;

	is_int(decode_as(bare, body, strlen(body), &out), KEYAPI_DECODE_OK,
		   "no names but the array's");
	is_int(out.code, 0, "no names: code");
	is(out.message, NULL, "no names: message");
	is(out.request_id, NULL, "no names: request id");
	is_int(out.block->has_more, -1, "no names: has_more");
	is_int(out.block->limit, 0, "no names: page size");
	is_int(out.block->total_count, -1, "no names: total count");
	is_int(out.block->nrows, 2, "no names: items");
	is(id_of(&out, 0), NULL, "no names: id");
}

/*
 * Whatever a body is cut to, it is never taken for a shorter list.
 */
static void
check_prefixes(const char *body, const char *name)
{
	size_t		len = strlen(body);
	int			wrong = 0;

	for (size_t n = 0; n < len; n++)
	{
		KeyapiDecoded out;

		if (decode(body, n, &out) != KEYAPI_DECODE_TRUNCATED)
		{
			printf("# %zu bytes: %s\n", n, out.error ? out.error : "no error");
			wrong++;
		}
	}
	is_int(wrong, 0, name);
}

static void
test_prefixes(void)
{
	check_prefixes(example, "every prefix of the example is truncated");
	check_prefixes("\xEF\xBB\xBF {\"code\":0,\"data\":{\"videos\":[{\"a\":\"\\ud83d\\ude00"
				   "\\ud800\\u0000\\uD83D\\n\\\\\\\"\xF0\x9F\x98\x80\xE2\x82\xFF\x01\","
				   "\"b\":[true,false,null,-1.5e+10,1E-7,0.25,-9223372036854775808,"
				   "123456789012345678901234567890,1e999,{}]}]}}",
				   "every prefix of a body to be repaired is truncated");
}

static void
test_depth(void)
{
	enum
	{
		DEEP = 100000
	};
	static const char before[] = "{\"data\":{\"videos\":[{\"v\":";
	char	   *body = malloc(sizeof(before) + 2 * DEEP + 4);
	size_t		start = strlen(before);
	KeyapiDecoded out;

	memcpy(body, before, start);
	memset(body + start, '[', DEEP);
	memset(body + start + DEEP, ']', DEEP);
	memcpy(body + start + 2 * DEEP, "}]}}", 4);
	is_int(decode(body, start + 2 * DEEP + 4, &out),
		   KEYAPI_DECODE_NOT_JSON, "too deep");
	is(out.error, "the JSON document is nested too deeply", "... says so");
	is_int(decode(body, start + DEEP, &out),
		   KEYAPI_DECODE_NOT_JSON, "too deep and truncated");

	memset(body + start, '[', 1000);
	memset(body + start + 1000, ']', 1000);
	memcpy(body + start + 2000, "}]}}", 4);

	const char *text = cell(body, start + 2004, "v");

	ok(strlen(text) == 2000 && memcmp(text, body + start, 2000) == 0, "deep");
	free(body);
}

/*
 * A body with a cell of each kind, which needs repairing.
 */
static const char rich[] =
"{\"code\":0,\"message\":\"m\",\"requestId\":\"r\",\"data\":{\"videos\":["
"{\"id\":1,\"country_code\":\"US\",\"v\":\"\\u0000\"},{\"id\":2.5,\"v\":{\"w\":[true]}}]}}";

static void
test_out_of_memory(void)
{
	static const char bad[] = PAGE("null");
	KeyapiDecoded out;
	int			wrong = 0;
	int			n;

	for (n = 0;; n++)
	{
		arena.fail_at = n;

		KeyapiDecodeResult result = decode(rich, strlen(rich), &out);

		if (result == KEYAPI_DECODE_OK)
			break;
		if (result != KEYAPI_DECODE_NO_MEMORY || out.block != NULL || !same(out.error, "out of memory"))
			wrong++;
	}
	is_int(wrong, 0, "each allocation may fail");
	is_int(n, arena.nchunks, "... and was tried");

	arena.fail_at = 0;
	is_int(decode(bad, strlen(bad), &out), KEYAPI_DECODE_NO_MEMORY,
		   "no memory for the reason");
	arena.fail_at = -1;

	wrong = 0;
	for (n = 0;; n++)
	{
		realloc_fail_at = n;
		nreallocs = 0;

		KeyapiDecodeResult result = decode(rich, strlen(rich), &out);

		if (result == KEYAPI_DECODE_OK)
			break;
		if (result != KEYAPI_DECODE_NO_MEMORY || out.block != NULL)
			wrong++;
	}
	realloc_fail_at = -1;
	is_int(wrong, 0, "each buffer may fail to grow");
	ok(n > 1, "... and was tried");
}

/*
 * A locale with a decimal comma changes nothing.  It need not be installed.
 */
static void
test_locale(void)
{
	static const char body[] = PAGE("{\"v\":[0.5,1e999,-2.5e-7]}");
	static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8"};

	for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++)
	{
		if (setlocale(LC_NUMERIC, locales[i]) != NULL)
			is(cell(body, strlen(body), "v"), "[0.5,\"1e999\",-2.5e-07]", locales[i]);
		else
		{
			ntests++;
			printf("ok %d # SKIP %s is not installed\n", ntests, locales[i]);
		}
	}
	setlocale(LC_NUMERIC, "C");
}

/*
 * What a body is parsed into does not stay while what it is repaired to is parsed.
 */
static void
test_repaired_memory(void)
{
	static const char good[] = PAGE("{\"a\":[1,2,3,4,5,6,7,8,9]},{\"b\":\"d83d\"}");
	static const char bad[] = PAGE("{\"a\":[1,2,3,4,5,6,7,8,9]},{\"b\":\"\\ud83d\"}");
	KeyapiDecoded out;
	int			most;

	document_arena.most = 0;
	is_int(decode(good, strlen(good), &out), KEYAPI_DECODE_OK, "a body");
	most = document_arena.most;
	document_arena.most = 0;
	is_int(decode(bad, strlen(bad), &out), KEYAPI_DECODE_OK, "... and one to be repaired");
	is_int(document_arena.most, most, "... take the same memory");
}

int
main(void)
{
	test_example();
	test_cells();
	test_results();
	test_pagination();
	test_envelope();
	test_odd_things();
	test_odd_reasons();
	test_odd_bare();
	test_prefixes();
	test_depth();
	test_out_of_memory();
	test_locale();
	test_repaired_memory();
	arena_reset(&arena);
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
