/*-------------------------------------------------------------------------
 *
 * block_test.c
 *	  Tests of blocks, without a server.  Prints TAP.
 *
 * What a cell says of a value is tested in decode_test.c.
 *
 *-------------------------------------------------------------------------
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/decode.h"
#include "json/field.h"
#include "block_walk.h"
#include "decode_cases.h"

static void *chunks[100000];
static int	nchunks = 0;
static int	ntests = 0;
static int	nfailed = 0;

static void *
take(void *arg, size_t size)
{
	(void) arg;
	if (nchunks == (int) (sizeof(chunks) / sizeof(chunks[0])))
		abort();
	return chunks[nchunks++] = malloc(size);
}

static const KeyapiAllocator allocator = {.alloc = take};

static void
keep(void *arg)
{
	(void) arg;
}

static const KeyapiDecodeMemory memory = {
	.document = {.alloc = take},
	.reset_document = keep,
	.block = {.alloc = take},
	.texts = {.alloc = take},
};

static void
free_all(void)
{
	while (nchunks > 0)
		free(chunks[--nchunks]);
}

static void
ok(bool passed, const char *name)
{
	ntests++;
	if (!passed)
		nfailed++;
	printf("%sok %d - %s\n", passed ? "" : "not ", ntests, name);
}

static void
is(KeyapiSlice got, const char *expected, const char *name)
{
	bool		same = expected == NULL || got.data == NULL ? got.data == expected :
	got.len == strlen(expected) && memcmp(got.data, expected, got.len) == 0;

	ok(same, name);
	if (!same)
		printf("#      got: %.*s\n# expected: %s\n", (int) got.len,
			   got.data ? got.data : "NULL", expected ? expected : "NULL");
}

static const KeyapiBlock *
block_of(const char *body)
{
	KeyapiDecoded out;

	if (keyapi_json_decode(body, strlen(body), &keyapi_endpoints[0], &memory,
						   &out) != KEYAPI_DECODE_OK)
		abort();
	return out.block;
}

/* What a path leads to in a row, as it lies in the block. */
static KeyapiMember
member_at(const KeyapiBlock *block, int row, const char *path)
{
	KeyapiField field = keyapi_field_resolve(path, keyapi_block_names(block));
	KeyapiMember member;

	if (!keyapi_field_read(&field, block, row, &allocator, &member))
		abort();
	return member;
}

static KeyapiSlice
text_at(const KeyapiBlock *block, int row, const char *path)
{
	return member_at(block, row, path).text;
}

static void
test_header(void)
{
	const KeyapiBlock *block = block_of(example);
	const KeyapiBlock *none = block_of("{\"data\":{\"videos\":[]}}");

	ok(block->nrows == 1 && block->nnames == 8 && block->has_cells, "a row and its names");
	ok(block->has_more == 1 && block->limit == 1 && block->total_count == 500, "pagination");
	is(keyapi_block_request_id(block), "d78497da-6b4e-4da3-b15e-da48fca8d5af", "request id");
	is(keyapi_block_message(block), "success", "message");
	ok(none->nrows == 0 && none->nnames == 0 && none->has_more == -1 &&
	   none->limit == 0 && none->total_count == -1, "a page without anything");
	is(keyapi_block_request_id(none), NULL, "no request id");
	is(keyapi_block_message(none), NULL, "no message");
	is(keyapi_block_json(none, 0), NULL, "no row");
}

static void
test_ids(void)
{
	const KeyapiBlock *block = block_of(PAGE("{\"x\":null,\"id\":\"a\\\"b\",\"country_code\":\"\\n\"},"
											 "{\"id\":12,\"country_code\":\"US\"},{\"id\":\"12\"},{\"id\":\" \\t\"},"
											 "{\"id\":\"\"},{\"id\":null,\"x\":null},{\"id\":[1],\"country_code\":true,\"t\":true}"));

	is(keyapi_block_id(block, 0), "a\"b", "an escaped id");
	is(keyapi_block_echo(block, 0), "\n", "an escaped echo");
	is(keyapi_block_id(block, 1), "12", "an id that is a number");
	is(keyapi_block_echo(block, 1), "US", "an echo");
	ok(keyapi_block_id_hash(block, 1) == keyapi_block_id_hash(block, 2) &&
	   keyapi_block_id_hash(block, 0) != keyapi_block_id_hash(block, 1), "their hashes");
	for (int row = 3; row < 6; row++)
		is(keyapi_block_id(block, row), NULL, "no id");
	is(keyapi_block_id(block, 6), "[1]", "an id that is an array");
	is(keyapi_block_echo(block, 6), "true", "an echo that is a boolean");
	is(keyapi_block_id(block, -1), NULL, "no row before the first");
	is(keyapi_block_id(block, 7), NULL, "no row after the last");
}

static void
test_members(void)
{
	const KeyapiBlock *block = block_of(PAGE("{\"a\":1,\"b\":\"x\",\"a\":2},{\"c\":{\"d\":[true,{\"e\":\"\\\"\"}]},\"c.d\":null},"
											 "{\"c\":{\"d\":\"\\u0001\"}},{}"));
	char		unescaped[8];

	is(keyapi_block_json(block, 0), "{\"a\":2,\"b\":\"x\"}", "of two members the last one counts");
	is(text_at(block, 0, "a"), "2", "... as a cell, too");
	is(text_at(block, 0, ""), "{\"a\":2,\"b\":\"x\"}", "the whole object");
	ok(member_at(block, 0, "c").kind == KEYAPI_MEMBER_MISSING &&
	   member_at(block, 3, "a").kind == KEYAPI_MEMBER_MISSING &&
	   member_at(block, 3, "a").text.data == NULL, "what a row does not have");
	ok(member_at(block, 1, "c.d").kind == KEYAPI_MEMBER_NULL, "a member of that whole name wins");
	is(text_at(block, 1, "c"), "{\"d\":[true,{\"e\":\"\\\"\"}]}", "a nested value");
	is(text_at(block, 2, "c.d"), "\x01", "a path below the top level");
	ok(!member_at(block, 2, "c.d").escaped, "... is unescaped");
	ok(member_at(block, 1, "c.d.0").kind == KEYAPI_MEMBER_TRUE, "an index");
	is(text_at(block, 1, "c.d.1.e"), "\"", "a path below that");
	ok(member_at(block, 0, "b.x").kind == KEYAPI_MEMBER_MISSING, "a string has no members");
	is(keyapi_block_json(block, 3), "{}", "an empty object");

	ok(keyapi_json_unescape(keyapi_slice("\\u0041\\\\\\\"\\u00", 14), unescaped) == 6 &&
	   memcmp(unescaped, "A\\\"u00", 6) == 0, "escapes, the last one cut off");
}

/* A body with these many names, each in a row of its own if so wished. */
static const char *
body_of_names(int names, bool apart)
{
	static char body[200000];
	char	   *p = body + sprintf(body, "{\"data\":{\"videos\":[{");

	for (int i = 0; i < names; i++)
		p += sprintf(p, "%s\"n%d\":{\"x\":%d}", i == 0 ? "" : apart ? "},{" : ",", i, i);
	sprintf(p, "}]}}");
	return body;
}

static void
test_many_names(void)
{
	const KeyapiBlock *most = block_of(body_of_names(KEYAPI_BLOCK_MAX_NAMES, false));
	const KeyapiBlock *more = block_of(body_of_names(KEYAPI_BLOCK_MAX_NAMES + 1, false));
	const KeyapiBlock *sparse = block_of(body_of_names(KEYAPI_BLOCK_MAX_NAMES, true));

	ok(most->has_cells && most->nnames == KEYAPI_BLOCK_MAX_NAMES, "as many names as there may be");
	is(text_at(most, 0, "n63.x"), "63", "... and a path");
	ok(!more->has_cells && more->nnames == 0, "one more");
	is(text_at(more, 0, "n64.x"), "64", "... is found by parsing");
	is(text_at(more, 0, "n0"), "{\"x\":0}", "... as is the first one");
	ok(member_at(more, 0, "n65").kind == KEYAPI_MEMBER_MISSING, "... but no other");
	ok(!sparse->has_cells, "cells that are mostly empty are not worth it");
	is(text_at(sparse, 63, "n63.x"), "63", "... and members are found without");
}

static void
test_names(void)
{
	KeyapiSlice a = keyapi_block_names(block_of(PAGE("{\"a\":1,\"\":2},{\"b\":3}")));
	KeyapiSlice b = keyapi_block_names(block_of(PAGE("{\"a\":7,\"\":null,\"b\":[]}")));
	KeyapiSlice c = keyapi_block_names(block_of(PAGE("{\"\":1,\"a\":2},{\"b\":3}")));
	const char *name = keyapi_block_next_name(a, NULL);

	ok(a.len == b.len && memcmp(a.data, b.data, a.len) == 0, "the same names");
	ok(a.len != c.len || memcmp(a.data, c.data, a.len) != 0, "the same in another order");
	ok(name != NULL && strcmp(name, "a") == 0, "the first name");
	name = keyapi_block_next_name(a, name);
	ok(name != NULL && strcmp(name, "") == 0, "an empty one");
	name = keyapi_block_next_name(a, name);
	ok(name != NULL && strcmp(name, "b") == 0, "one of the second row");
	ok(keyapi_block_next_name(a, name) == NULL, "no more");
}

/*
 * Whatever is cut off or changed, nothing beyond the bytes is read (a sanitizer
 * looks).
 */
static void
test_damage(void)
{
	const KeyapiBlock *block = block_of(PAGE("{\"id\":\"a\\\"b\",\"country_code\":\"US\",\"a\":{\"b\":[{\"b\":1}]}},"
											 "{\"id\":7,\"v\":\"\\n\"}"));
	unsigned char *bytes = malloc(block->size);
	unsigned long sum = 0;
	int			opened = 0;

	for (size_t len = 0; len < block->size; len++)
		opened += keyapi_block_open(memcpy(bytes, block, len), len) != NULL;
	ok(opened == 0, "a block that is cut off is none");

	memcpy(bytes, block, block->size);
	for (size_t i = 0; i < block->size; i++)
	{
		static const unsigned char others[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};

		for (size_t k = 0; k < sizeof(others); k++)
		{
			bytes[i] = others[k];
			sum += block_walk_bytes(bytes, block->size, &allocator);
			bytes[i] = ((const unsigned char *) block)[i];
		}
	}
	printf("# %lu\n", sum);
	ok(true, "a changed block is read within its bounds");
	free(bytes);
}

/* As many as a string of test_escapes has at most */
#define XS "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/*
 * A string of x with one other character, as JSON has it in the block.
 */
static void
check_escape(int len, int pos, const char *json)
{
	char		body[200];
	char		row[100];
	KeyapiSlice written;

	snprintf(row, sizeof(row), "{\"v\":\"%.*s%s%.*s\"}", pos, XS, json, len - pos - 1, XS);
	snprintf(body, sizeof(body), PAGE("%s"), row);
	written = keyapi_block_json(block_of(body), 0);
	if (written.len != strlen(row) || memcmp(written.data, row, written.len) != 0)
		is(written, row, "a character in a string");
	free_all();
}

/*
 * Strings are looked at eight bytes at a time.
 */
static void
test_escapes(void)
{
	static const char *const characters[] = {
		"\\\"", "\\\\", "\\u000a", "\\u0001", "\\u001f", " ", "!", "#", "[", "]", "\x7f", "\xC3\xA9"
	};
	int			failed_before = nfailed;

	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
	{
		for (int len = 1; len <= (int) strlen(XS); len++)
		{
			for (int pos = 0; pos < len; pos++)
				check_escape(len, pos, characters[i]);
		}
	}
	ok(nfailed == failed_before, "characters at each place of strings of each length");
}

/*
 * Others in the process that use jansson have its memory functions as they were.
 */
static void
test_others(void)
{
	json_t	   *before = json_pack("{s:s}", "a", "b");
	KeyapiDecoded out;
	json_malloc_t alloc_before;
	json_malloc_t alloc_after;
	json_free_t free_before;
	json_free_t free_after;

	json_get_alloc_funcs(&alloc_before, &free_before);
	ok(block_of(PAGE("{\"v\":1}")) != NULL &&
	   keyapi_json_decode("{", 1, &keyapi_endpoints[0], &memory, &out) == KEYAPI_DECODE_TRUNCATED,
	   "a document of somebody else is there");
	json_get_alloc_funcs(&alloc_after, &free_after);
	ok(alloc_after == alloc_before && free_after == free_before,
	   "jansson's functions are as before");
	json_decref(before);
}

int
main(void)
{
	test_header();
	test_ids();
	test_members();
	test_many_names();
	test_names();
	test_damage();
	test_escapes();
	test_others();
	free_all();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
