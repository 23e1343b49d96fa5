/*-------------------------------------------------------------------------
 *
 * field.c
 *	  What a dotted path leads to in the rows of blocks.
 *
 *-------------------------------------------------------------------------
 */
#include "json/field.h"

#include <jansson.h>
#include <string.h>

#include "json/value.h"

static const KeyapiMember missing = {KEYAPI_MEMBER_MISSING, false, {NULL, 0}};

static int
find_name(KeyapiSlice names, const char *wanted, size_t len)
{
	int			index = 0;

	for (const char *name = keyapi_block_next_name(names, NULL); name != NULL;
		 name = keyapi_block_next_name(names, name), index++)
	{
		if (strlen(name) == len && memcmp(name, wanted, len) == 0)
			return index;
	}
	return -1;
}

KeyapiField
keyapi_field_resolve(const char *path, KeyapiSlice names)
{
	size_t		len = strcspn(path, ".");
	KeyapiField field = {
		.path = path,
		.whole = find_name(names, path, strlen(path)),
		.head = -1,
	};

	if (path[len] != '\0')
	{
		field.head = find_name(names, path, len);
		field.rest = path + len + 1;
	}
	return field;
}

/*
 * Follow what is left of a path through JSON text.
 */
static bool
parse_and_follow(KeyapiSlice json, const char *path,
				 const KeyapiAllocator *allocator, KeyapiMember *member)
{
	json_t	   *root = json_loadb(json.data, json.len, JSON_DECODE_ANY, NULL);
	json_t	   *value = root == NULL ? NULL : keyapi_json_follow_below(root, path);
	KeyapiStrBuf text = {0};
	char	   *copy = NULL;

	*member = missing;
	if (value != NULL)
	{
		member->kind = keyapi_json_kind(value);
		keyapi_json_write_text(&text, value);
		if (!text.no_memory)
			copy = allocator->alloc(allocator->arg, text.len + 1);
		if (copy != NULL && text.len > 0)
			memcpy(copy, text.data, text.len);
		member->text = (KeyapiSlice)
		{
			copy, text.len
		};
	}
	keyapi_strbuf_free(&text);
	json_decref(root);
	return value == NULL || copy != NULL;
}

bool
keyapi_field_read(const KeyapiField *field, const KeyapiBlock *block, int row,
				  const KeyapiAllocator *allocator, KeyapiMember *member)
{
	if (field->path[0] == '\0')
	{
		member->text = keyapi_block_json(block, row);
		member->kind = member->text.data == NULL ? KEYAPI_MEMBER_MISSING :
			KEYAPI_MEMBER_OBJECT;
		member->escaped = false;
		return true;
	}
	if (!block->has_cells)
		return parse_and_follow(keyapi_block_json(block, row), field->path,
								allocator, member);
	*member = keyapi_block_member(block, row, field->whole);
	if (member->kind != KEYAPI_MEMBER_MISSING || field->head < 0)
		return true;
	*member = keyapi_block_member(block, row, field->head);
	if (member->kind == KEYAPI_MEMBER_OBJECT || member->kind == KEYAPI_MEMBER_ARRAY)
		return parse_and_follow(member->text, field->rest, allocator, member);
	*member = missing;
	return true;
}
