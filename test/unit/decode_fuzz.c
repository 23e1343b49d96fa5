/*-------------------------------------------------------------------------
 *
 * decode_fuzz.c
 *	  Arbitrary bodies against the decoder.
 *
 * With libFuzzer, or with -DSTANDALONE as a program of its own:
 *
 *	 decode_fuzz SEED RUNS		bodies made from good ones, the same for a seed
 *	 decode_fuzz FILE			one body, to look at what was found
 *	 decode_fuzz --corpus DIR	write the good ones to files, for libFuzzer, and
 *								their blocks to files for block_fuzz
 *
 * Whatever goes in, the decoder must keep to its contract (see check_*): a
 * violation aborts.
 *
 *-------------------------------------------------------------------------
 */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"
#include "json/decode.h"
#include "json/field.h"
#include "json/value.h"
#include "block_walk.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static const char *const paths[] = {"", "id", "v", "a.b", "a.0.b", "a.1"};

/* Allocations of the present decoding, and after how many memory is out. */
static long allocations;
static long memory = LONG_MAX;

static bool
out_of_memory(void)
{
	return allocations++ >= memory;
}

/*
 * Buffers, and what the caller gives for a page and texts, run out of memory.  What
 * the caller gives for the document does not: a jansson that was built with
 * assertions aborts then.
 */

/* Buffers: the linker replaces their realloc by this. */
void	   *__real_realloc(void *chunk, size_t size);
void	   *__wrap_realloc(void *chunk, size_t size);

void *
__wrap_realloc(void *chunk, size_t size)
{
	return out_of_memory() ? NULL : __real_realloc(chunk, size);
}

/* What the caller gives: here a list, to be freed as a whole. */
typedef union Chunk
{
	union Chunk *next;
	max_align_t align;
} Chunk;

typedef struct Arena
{
	Chunk	   *chunks;
} Arena;

static void *
document_alloc(void *arg, size_t size)
{
	Arena	   *arena = arg;
	Chunk	   *chunk;

	chunk = malloc(sizeof(Chunk) + size);
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk + 1;
}

static void *
arena_alloc(void *arg, size_t size)
{
	return out_of_memory() ? NULL : document_alloc(arg, size);
}

static void
arena_free(void *arg)
{
	Arena	   *arena = arg;

	while (arena->chunks != NULL)
	{
		Chunk	   *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}

/* The endpoint whose responses are decoded. */
static const KeyapiEndpoint *endpoint;

static KeyapiDecodeResult
decode(const char *body, size_t len, Arena *arena, KeyapiDecoded *out)
{
	Arena		document = {NULL};
	const KeyapiAllocator allocator = {.alloc = arena_alloc,.arg = arena};
	const KeyapiDecodeMemory sources = {
		.document = {.alloc = document_alloc,.arg = &document},
		.reset_document = arena_free,
		.block = allocator,
		.texts = allocator,
	};

	allocations = 0;
	return keyapi_json_decode(body, len, endpoint, &sources, out);
}

/* Text is UTF-8. */
static void
check_slice(KeyapiSlice text)
{
	json_t	   *string;

	if (text.data == NULL)
		return;
	string = json_stringn(text.data, text.len);
	CHECK(string != NULL);
	json_decref(string);
}

static void
check_text(const char *text)
{
	if (text != NULL)
		check_slice(keyapi_slice(text, strlen(text)));
}

/*
 * Nothing was lost: same value, keys in the same order.  A whole real may have
 * become an integer.
 */
static void
check_same(json_t *expected, json_t *got)
{
	if (json_is_real(expected))
	{
		CHECK(json_is_number(got));
		CHECK(json_number_value(got) == json_real_value(expected));
		return;
	}
	CHECK(json_typeof(got) == json_typeof(expected));
	if (json_is_object(expected))
	{
		void	   *i = json_object_iter(expected);
		void	   *k = json_object_iter(got);

		CHECK(json_object_size(got) == json_object_size(expected));
		while (i != NULL)
		{
			CHECK(strcmp(json_object_iter_key(i), json_object_iter_key(k)) == 0);
			check_same(json_object_iter_value(i), json_object_iter_value(k));
			i = json_object_iter_next(expected, i);
			k = json_object_iter_next(got, k);
		}
	}
	else if (json_is_array(expected))
	{
		CHECK(json_array_size(got) == json_array_size(expected));
		for (size_t i = 0; i < json_array_size(expected); i++)
			check_same(json_array_get(expected, i), json_array_get(got, i));
	}
	else
		CHECK(json_equal(expected, got));
}

/* The member under the first of these names that has a value. */
static json_t *
first_of(const json_t *object, KeyapiTexts names)
{
	json_t	   *value = NULL;

	for (; *names != NULL && (value == NULL || json_is_null(value)); names++)
		value = json_object_get(object, *names);
	return value;
}

/* A field is what following its path in the object finds. */
static void
check_field(const KeyapiBlock *block, int row, json_t *object, const char *path,
			const KeyapiAllocator *allocator)
{
	KeyapiField field = keyapi_field_resolve(path, keyapi_block_names(block));
	json_t	   *value = keyapi_json_follow(object, path);
	KeyapiStrBuf expected = {0};
	KeyapiMember member;
	char	   *text;
	size_t		len;

	CHECK(keyapi_field_read(&field, block, row, allocator, &member));
	if (value == NULL)
	{
		CHECK(member.kind == KEYAPI_MEMBER_MISSING);
		return;
	}
	CHECK(member.kind == keyapi_json_kind(value));
	text = malloc(member.text.len + 1);
	len = member.text.len;
	memcpy(text, member.text.data, len);
	if (member.escaped)
		len = keyapi_json_unescape(member.text, text);
	keyapi_json_write_text(&expected, value);
	CHECK(expected.len == len && (len == 0 || memcmp(expected.data, text, len) == 0));
	keyapi_strbuf_free(&expected);
	free(text);
}

/* The whole objects are JSON, and what the body held if that was JSON. */
static void
check_objects(const char *body, size_t len, const KeyapiBlock *block,
			  const KeyapiAllocator *allocator)
{
	json_t	   *root = json_loadb(body, len, JSON_DECODE_ANY, NULL);
	json_t	   *data = first_of(root, endpoint->envelope->data);
	json_t	   *list = first_of(data, endpoint->array);

	for (int row = 0; row < block->nrows; row++)
	{
		KeyapiSlice json = keyapi_block_json(block, row);
		json_t	   *object = json_loadb(json.data, json.len, 0, NULL);

		CHECK(json_is_object(object));
		if (root != NULL)
			check_same(json_array_get(list, row), object);
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			check_field(block, row, object, paths[i], allocator);
		json_decref(object);
	}
	json_decref(root);
}

/* The block can be opened, and read in bounds however it is changed. */
static void
check_block(const KeyapiBlock *block, const KeyapiAllocator *allocator)
{
	unsigned char *bytes = malloc(block->size);

	CHECK(keyapi_block_open(block, block->size) == block);
	for (int row = 0; row < block->nrows; row++)
	{
		check_slice(keyapi_block_id(block, row));
		check_slice(keyapi_block_echo(block, row));
	}
	(void) block_walk(block, allocator);
	memcpy(bytes, block, block->size);
	for (uint32_t i = 0; i < 8; i++)
		bytes[(block->size * 31 + i * 7919) % block->size] ^= (unsigned char) (0x81 >> i);
	(void) block_walk_bytes(bytes, block->size, allocator);
	free(bytes);
}

/* A page that lacks its last brace is no page. */
static void
check_cut(const char *body, size_t len)
{
	Arena		arena = {0};
	KeyapiDecoded out;

	while (len > 0 && memchr(" \t\r\n", body[len - 1], 4) != NULL)
		len--;
	CHECK(decode(body, len - 1, &arena, &out) == KEYAPI_DECODE_TRUNCATED);
	arena_free(&arena);
}

/* Running out of memory is that, and nothing else. */
static void
check_no_memory(const char *body, size_t len, long enough_for)
{
	Arena		arena = {0};
	KeyapiDecoded out;
	KeyapiDecodeResult result;

	memory = enough_for;
	result = decode(body, len, &arena, &out);
	memory = LONG_MAX;
	CHECK(result == KEYAPI_DECODE_NO_MEMORY);
	CHECK(out.block == NULL && out.error != NULL);
	arena_free(&arena);
}

static void
check_body(const char *body, size_t size)
{
	Arena		arena = {0};
	KeyapiDecoded out;
	KeyapiDecodeResult result = decode(body, size, &arena, &out);
	long		needed = allocations;

	check_text(out.message);
	check_text(out.request_id);
	check_text(out.error);
	CHECK((out.error == NULL) ==
		  (result == KEYAPI_DECODE_OK || result == KEYAPI_DECODE_REFUSED));
	CHECK((result == KEYAPI_DECODE_REFUSED) == (out.code != 0 && out.code != 200));
	CHECK((result == KEYAPI_DECODE_OK) == (out.block != NULL));
	CHECK(result != KEYAPI_DECODE_NO_MEMORY);
	if (result == KEYAPI_DECODE_OK)
	{
		const KeyapiAllocator allocator = {.alloc = arena_alloc,.arg = &arena};
		const KeyapiBlock *block = out.block;

		CHECK(block->limit >= 0 && block->total_count >= -1);
		CHECK(block->has_more >= -1 && block->has_more <= 1);
		check_objects(body, size, block, &allocator);
		check_block(block, &allocator);
		check_cut(body, size);
	}
	if (needed > 0)
		check_no_memory(body, size, (long) (size * 31 % (size_t) needed));
	arena_free(&arena);
}

static size_t
count_endpoints(void)
{
	size_t		n = 0;

	while (keyapi_endpoints[n].path != NULL)
		n++;
	return n;
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The length of a body says which endpoint answers with it.  To try all of them
 * takes libFuzzer as long as three bodies.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	endpoint = &keyapi_endpoints[size % count_endpoints()];
	check_body((const char *) data, size);
	return 0;
}

#ifdef STANDALONE

/* Ten members of an object: eight of these are more than a block names. */
#define MEMBERS(x) \
	"\"" x "0\":0,\"" x "1\":1,\"" x "2\":2,\"" x "3\":3,\"" x "4\":4," \
	"\"" x "5\":5,\"" x "6\":6,\"" x "7\":7,\"" x "8\":8,\"" x "9\":9,"

/* Bodies to start from, beside those of decode_cases.h. */
static const char *const own_seeds[] = {
	"{\"code\":0,\"message\":\"success\",\"data\":{\"pagination\":{\"has_more\":true,"
	"\"limit\":20,\"page\":1,\"total_count\":500},\"videos\":[{\"country_code\":\"US\","
	"\"duration\":9,\"id\":\"7587114666132868383\",\"title\":\"it\xE2\x80\x99s \xF0\x9F\x90\xB6\"},"
	"{\"id\":7587114666132868384,\"v\":[1.5e3,-0.25,true,null],\"a\":[{\"b\":1},[2]]}]},"
	"\"requestId\":\"d78497da\"}",
	"{\"data\":{\"list\":[{\"v\":\"\\ud83d\\ude00\\ud800\\u0000\xFF\x01\\n\\\\\","
	"\"a\":{\"b\":123456789012345678901234567890}},{\"v\":1e999},{}],"
	"\"pagination\":{\"size\":\"20\",\"total\":500.0,\"has_more\":\"false\"}}} ",
	"{\"code\":402,\"data\":null,\"msg\":\"apiKey quota is not enough\"}",
	"{\"code\":200,\"data\":{\"videos\":[]}}",
	"{\"code\":0,\"data\":{\"videos\":[{\"id\":\" \t\"},{\"id\":\"\"},{\"id\":null},{\"id\":\"\\n\"}]}}",
	"{\"code\":0,\"data\":{\"videos\":[{" MEMBERS("a") MEMBERS("b") MEMBERS("c")
	MEMBERS("d") MEMBERS("e") MEMBERS("f") MEMBERS("g") MEMBERS("h") "\"id\":1}]}}",
	"{\"code\":0.0,\"data\":{\"pagination\":{\"has_more\":\"true\",\"limit\":\"20\","
	"\"total_count\":\"5x\"},\"videos\":[]}}",
	"{\"code\":\"0\",\"data\":{\"pagination\":{\"has_more\":2},\"videos\":{}}}",
	"{\"ret\":0,\"payload\":{\"paging\":{\"more\":1,\"per\":7,\"n\":9},\"things\":["
	"{\"key\":{\"id\":5},\"v\":true}],\"lines\":[{},{\"a\":[1]}]},\"trace\":\"t\"}",
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A body to start from: own_seeds, and then those of decode_cases.h; or NULL. */
static const char *
seed_at(size_t i)
{
	if (i < LENGTH(own_seeds))
		return own_seeds[i];
	i -= LENGTH(own_seeds);
	if (i < LENGTH(cell_cases))
		return cell_cases[i].body;
	i -= LENGTH(cell_cases);
	if (i < LENGTH(result_cases))
		return result_cases[i].body;
	i -= LENGTH(result_cases);
	return i < LENGTH(pagination_cases) ? pagination_cases[i].body : NULL;
}

#define NSEEDS (LENGTH(own_seeds) + LENGTH(cell_cases) + LENGTH(result_cases) + \
				LENGTH(pagination_cases))

/* What breaks decoders. */
static const char *const pieces[] = {
	"\"", "\\", "{", "}", "[", "]", ",", ":", "-", ".", "e", "0", "9", " ",
	"\n", "\x01", "\x7F", "\x80", "\xC0", "\xED\xA0\x80", "\xEF\xBB\xBF",
	"\xF0\x9F\x90\xB6", "\xF4\x90\x80\x80", "\xFF", "\\u0000", "\\ud83d", "\\ude00",
	"\\u", "true", "false", "null", "tru", "1e999", "-1e-999", "9.0",
	"9223372036854775807", "-9223372036854775809", "0.1", "1.",
	"{\"a\":", "\"a\":{\"b\":", "\"v\":", "\"id\":", "{},", "[[[[",
};

static uint64_t random_state;

/* A number below limit, from xorshift64. */
static size_t
random_below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t) (random_state % limit);
}

/*
 * Replace up to 8 bytes somewhere in the body by a piece, by a random byte, by
 * another part of the body, or by nothing.
 */
static size_t
mutate(char *body, size_t len, size_t capacity)
{
	size_t		at = random_below(len + 1);
	size_t		cut = random_below(3) == 0 ? random_below(9) : random_below(2);
	char		bytes[64];
	size_t		nbytes = 0;

	switch (random_below(4))
	{
		case 0:
		case 1:
			{
				const char *piece = pieces[random_below(LENGTH(pieces))];

				nbytes = strlen(piece);
				memcpy(bytes, piece, nbytes);
				break;
			}
		case 2:
			bytes[nbytes++] = (char) random_below(256);
			break;
		default:
			if (len > 0)
			{
				size_t		from = random_below(len);

				nbytes = random_below(len - from < sizeof(bytes) ? len - from : sizeof(bytes));
				memcpy(bytes, body + from, nbytes);
			}
	}
	if (cut > len - at)
		cut = len - at;
	if (len - cut + nbytes > capacity)
		return len;
	memmove(body + at + nbytes, body + at + cut, len - at - cut);
	memcpy(body + at, bytes, nbytes);
	return len - cut + nbytes;
}

/* The body of each endpoint, in memory that ends where the body does. */
static void
run_exact(const char *body, size_t len)
{
	char	   *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, body, len);
	for (endpoint = keyapi_endpoints; endpoint->path != NULL; endpoint++)
		check_body(copy, len);
	free(copy);
}

static int
run_file(const char *name)
{
	static char body[1 << 20];
	FILE	   *file = fopen(name, "rb");

	if (file == NULL)
	{
		perror(name);
		return 2;
	}
	run_exact(body, fread(body, 1, sizeof(body), file));
	fclose(file);
	return 0;
}

static int
write_file(const char *directory, const char *kind, size_t number,
		   const void *bytes, size_t len)
{
	char		name[1024];
	FILE	   *file;

	snprintf(name, sizeof(name), "%s/%s-%zu", directory, kind, number);
	file = fopen(name, "wb");
	if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
	{
		perror(name);
		return 2;
	}
	return 0;
}

/*
 * Write the seeds and their blocks to files of that directory, once for each
 * endpoint: blanks after the document make the length that chooses it.
 */
static int
write_corpus(const char *directory)
{
	int			status = 0;

	for (size_t i = 0; i < NSEEDS * count_endpoints(); i++)
	{
		const char *seed = seed_at(i % NSEEDS);
		size_t		len = strlen(seed) + i / NSEEDS;
		char	   *body = malloc(len + 1);
		Arena		arena = {0};
		KeyapiDecoded out;

		sprintf(body, "%s%*s", seed, (int) (i / NSEEDS), "");
		endpoint = &keyapi_endpoints[len % count_endpoints()];
		status |= write_file(directory, "body", i, body, len);
		if (decode(body, len, &arena, &out) == KEYAPI_DECODE_OK)
			status |= write_file(directory, "block", i, out.block, out.block->size);
		arena_free(&arena);
		free(body);
	}
	return status;
}

static void
run_seeded(const char *number, long runs)
{
	/* xorshift never leaves 0 */
	random_state = strtoull(number, NULL, 10) | UINT64_C(0x9E3779B97F4A7C15) << 1;
	for (long i = 0; i < runs; i++)
	{
		char		body[4096];
		const char *seed = seed_at(random_below(NSEEDS));
		size_t		len = strlen(seed);

		memcpy(body, seed, len);
		for (size_t n = random_below(6) + (i % 2); n > 0; n--)
			len = mutate(body, len, sizeof(body));
		run_exact(body, len);
	}
	printf("ok 1 - %ld bodies, seed %s\n1..1\n", runs, number);
}

int
main(int argc, char **argv)
{
	if (argc == 2)
		return run_file(argv[1]);
	if (argc == 3 && strcmp(argv[1], "--corpus") == 0)
		return write_corpus(argv[2]);
	if (argc == 3)
	{
		run_seeded(argv[1], strtol(argv[2], NULL, 10));
		return 0;
	}
	fprintf(stderr, "usage: %s SEED RUNS | FILE | --corpus DIR\n", argv[0]);
	return 2;
}

#endif							/* STANDALONE */
