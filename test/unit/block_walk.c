/*-------------------------------------------------------------------------
 *
 * block_walk.c
 *	  Reads all that can be read of a block, for tests.
 *
 *-------------------------------------------------------------------------
 */
#include "block_walk.h"

#include <stdlib.h>
#include <string.h>

#include "json/field.h"

/* Rows that are looked at; a made up header may name millions. */
#define MAX_ROWS 200

static unsigned long
walk_text(KeyapiSlice text)
{
	unsigned long sum = 0;

	for (size_t i = 0; text.data != NULL && i < text.len; i++)
		sum += (unsigned char) text.data[i];
	return sum;
}

static unsigned long
walk_member(KeyapiMember member)
{
	unsigned long sum = walk_text(member.text);
	char	   *copy = malloc(member.text.len + 1);

	if (member.escaped)
		sum += keyapi_json_unescape(member.text, copy);
	free(copy);
	return sum;
}

static unsigned long
walk_row(const KeyapiBlock *block, int row, const KeyapiAllocator *allocator)
{
	static const char *const paths[] = {"", "id", "v", "a.b", "a.0.b", "."};
	KeyapiSlice names = keyapi_block_names(block);
	unsigned long sum = keyapi_block_id_hash(block, row);

	sum += walk_text(keyapi_block_json(block, row));
	sum += walk_text(keyapi_block_id(block, row));
	sum += walk_text(keyapi_block_echo(block, row));
	for (int i = -1; i <= block->nnames; i++)
		sum += walk_member(keyapi_block_member(block, row, i));
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
	{
		KeyapiField field = keyapi_field_resolve(paths[i], names);
		KeyapiMember member;

		if (keyapi_field_read(&field, block, row, allocator, &member))
			sum += walk_member(member);
	}
	return sum;
}

unsigned long
block_walk(const KeyapiBlock *block, const KeyapiAllocator *allocator)
{
	KeyapiSlice names = keyapi_block_names(block);
	unsigned long sum = walk_text(keyapi_block_message(block)) +
	walk_text(keyapi_block_request_id(block));

	for (const char *name = keyapi_block_next_name(names, NULL); name != NULL;
		 name = keyapi_block_next_name(names, name))
		sum += strlen(name);
	for (int row = -1; row <= block->nrows && row < MAX_ROWS; row++)
		sum += walk_row(block, row, allocator);
	return sum;
}

unsigned long
block_walk_bytes(const void *bytes, size_t len, const KeyapiAllocator *allocator)
{
	KeyapiBlock *copy = malloc(len > 0 ? len : 1);
	const KeyapiBlock *block;
	unsigned long sum = 0;

	memcpy(copy, bytes, len);
	if (len >= sizeof(KeyapiBlock))
	{
		copy->format = KEYAPI_BLOCK_FORMAT;
		copy->size = (uint32_t) len;
	}
	block = keyapi_block_open(copy, len);
	if (block != NULL)
		sum = block_walk(block, allocator);
	free(copy);
	return sum;
}
