/*-------------------------------------------------------------------------
 *
 * block.c
 *	  Reading a page that lies as one block of bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "json/block.h"

#include <string.h>

static const KeyapiSlice nothing = {NULL, 0};
static const KeyapiMember missing = {KEYAPI_MEMBER_MISSING, false, {NULL, 0}};

const KeyapiBlock *
keyapi_block_open(const void *bytes, size_t len)
{
	const KeyapiBlock *block = bytes;
	uint64_t	text;

	if (len < sizeof(KeyapiBlock) || block->format != KEYAPI_BLOCK_FORMAT ||
		block->size != len || block->nrows < 0 || block->nnames < 0 ||
		block->nnames > KEYAPI_BLOCK_MAX_NAMES || block->limit < 0 ||
		block->total_count < -1 || block->has_more < -1 || block->has_more > 1)
		return NULL;
	text = sizeof(KeyapiBlock) + (uint64_t) block->nrows *
		(sizeof(KeyapiBlockRow) + (uint64_t) block->nnames * sizeof(KeyapiBlockCell));
	if (block->text != text || block->names < text || block->names > len ||
		(block->names < len && ((const char *) bytes)[len - 1] != '\0'))
		return NULL;
	return block;
}

/*
 * The part of the text that begins at offset; nothing if it is not within.
 */
static inline KeyapiSlice
slice_at(const KeyapiBlock *block, uint32_t offset, uint32_t len)
{
	uint32_t	size = block->names - block->text;

	if (offset > size || len > size - offset)
		return nothing;
	return keyapi_slice((const char *) block + block->text + offset, len);
}

static inline KeyapiSlice
slice_of(const KeyapiBlock *block, KeyapiBlockSpan span)
{
	return slice_at(block, span.offset, span.len);
}

static inline bool
has_row(const KeyapiBlock *block, int row)
{
	return row >= 0 && row < block->nrows;
}

static inline const KeyapiBlockRow *
row_at(const KeyapiBlock *block, int row)
{
	return (const KeyapiBlockRow *) (block + 1) + row;
}

KeyapiSlice
keyapi_block_request_id(const KeyapiBlock *block)
{
	return slice_of(block, block->request_id);
}

KeyapiSlice
keyapi_block_message(const KeyapiBlock *block)
{
	return slice_of(block, block->message);
}

KeyapiSlice
keyapi_block_json(const KeyapiBlock *block, int row)
{
	return has_row(block, row) ? slice_of(block, row_at(block, row)->json) : nothing;
}

KeyapiSlice
keyapi_block_id(const KeyapiBlock *block, int row)
{
	return has_row(block, row) ? slice_of(block, row_at(block, row)->id) : nothing;
}

KeyapiSlice
keyapi_block_echo(const KeyapiBlock *block, int row)
{
	return has_row(block, row) ? slice_of(block, row_at(block, row)->echo) : nothing;
}

uint32_t
keyapi_block_id_hash(const KeyapiBlock *block, int row)
{
	return has_row(block, row) ? row_at(block, row)->id_hash : 0;
}

KeyapiSlice
keyapi_block_names(const KeyapiBlock *block)
{
	return keyapi_slice((const char *) block + block->names,
						block->size - block->names);
}

const char *
keyapi_block_next_name(KeyapiSlice names, const char *name)
{
	/* the last byte is a NUL, if there is any */
	const char *next = name == NULL ? names.data : name + strlen(name) + 1;

	return names.len > 0 && next < names.data + names.len ? next : NULL;
}

KeyapiMember
keyapi_block_member(const KeyapiBlock *block, int row, int name)
{
	const KeyapiBlockCell *cell;
	KeyapiMember member;

	if (!has_row(block, row) || name < 0 || name >= block->nnames)
		return missing;
	cell = (const KeyapiBlockCell *) row_at(block, block->nrows) +
		(size_t) row * block->nnames + name;
	member.text = slice_at(block, cell->offset, cell->len);
	if (member.text.data == NULL || cell->kind == KEYAPI_MEMBER_MISSING ||
		cell->kind > KEYAPI_MEMBER_OBJECT)
		return missing;
	member.kind = cell->kind;
	member.escaped = cell->escaped;
	return member;
}

/* ---------------------------------------------------------------------
 * Escapes
 * ---------------------------------------------------------------------
 */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The character that 4 hexadecimal digits stand for; -1 if they are none, or not
 * of a character that is escaped in a block: those are below 128.
 */
static int
escaped_character(const char *digits)
{
	int			result = 0;

	for (int i = 0; i < 4; i++)
	{
		int			digit = hex_digit(digits[i]);

		if (digit < 0)
			return -1;
		result = result * 16 + digit;
	}
	return result < 128 ? result : -1;
}

size_t
keyapi_json_unescape(KeyapiSlice text, char *result)
{
	const char *p = text.data;
	const char *end = p + text.len;
	char	   *q = result;

	while (p < end)
	{
		int			character = -1;

		if (*p == '\\' && end - p >= 6 && p[1] == 'u')
			character = escaped_character(p + 2);
		if (character >= 0)
		{
			*q++ = (char) character;
			p += 6;
			continue;
		}
		/* otherwise only quotes and backslashes are escaped, by a backslash */
		if (*p == '\\' && end - p >= 2)
			p++;
		*q++ = *p++;
	}
	return (size_t) (q - result);
}
