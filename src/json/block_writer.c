/*-------------------------------------------------------------------------
 *
 * block_writer.c
 *	  Parsed items -> a block.
 *
 * How many different names the items have is known only after the last one, so
 * cells are collected one after the other first.
 *
 *-------------------------------------------------------------------------
 */
#include "json/block_writer.h"

#include <string.h>

#include "json/value.h"

/* Larger blocks would not fit a palloc. */
#define MAX_SIZE 0x3FFFFFFF

/*
 * There are no cells if more than this many times as many would be empty as are
 * not, beyond a number of them that costs nothing.
 */
#define MAX_EMPTY_FACTOR 4
#define FREE_CELLS 1024

/* FNV-1a, 32 bits */
#define HASH_BASIS 2166136261U
#define HASH_PRIME 16777619U

typedef struct Entry
{
	int			row;
	int			name;
	KeyapiBlockCell cell;
} Entry;

/* The item that is being added. */
typedef struct Item
{
	const json_t *id;			/* or NULL */
	const json_t *echo;
	KeyapiBlockRow row;
} Item;

static uint32_t
hash_of(const char *bytes, size_t len)
{
	uint32_t	hash = HASH_BASIS;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) bytes[i]) * HASH_PRIME;
	return hash;
}

/*
 * Index of a name; -1 if it is new.  guess is where it usually is: items have their
 * members in the same order.
 */
static int
find_name(const KeyapiBlockWriter *writer, const char *name, int guess)
{
	if (guess < writer->nnames && strcmp(writer->names[guess].name, name) == 0)
		return guess;
	for (int i = 0; i < writer->nnames; i++)
	{
		if (strcmp(writer->names[i].name, name) == 0)
			return i;
	}
	return -1;
}

/*
 * The text from offset on to where it ends now.
 */
static KeyapiBlockSpan
span_from(const KeyapiBlockWriter *writer, size_t offset)
{
	KeyapiBlockSpan span = {(uint32_t) offset, (uint32_t) (writer->text.len - offset)};

	return span;
}

/*
 * Append the key of a member.  Returns the index of its name, which is added if need
 * be; -1 if there are too many.
 */
static int
add_key(KeyapiBlockWriter *writer, const char *name, int guess)
{
	KeyapiStrBuf *text = &writer->text;
	int			index = find_name(writer, name, guess);
	size_t		offset = text->len;

	if (index >= 0)
	{
		const KeyapiBlockSpan key = writer->names[index].key;

		keyapi_strbuf_repeat(text, key.offset, key.len);
		return index;
	}
	keyapi_json_write_string(text, name, strlen(name));
	keyapi_strbuf_append(text, ":", 1);
	if (writer->nnames == KEYAPI_BLOCK_MAX_NAMES)
		return -1;
	writer->names[writer->nnames].name = name;
	writer->names[writer->nnames].key = span_from(writer, offset);
	return writer->nnames++;
}

static void
add_cell(KeyapiBlockWriter *writer, int name, KeyapiBlockSpan span,
		 KeyapiMemberKind kind, bool escaped)
{
	const Entry entry = {
		.row = writer->nrows,
		.name = name,
		.cell.offset = span.offset,
		.cell.len = span.len,
		.cell.kind = kind,
		.cell.escaped = escaped,
	};

	if (name < 0 || span.len > KEYAPI_BLOCK_MAX_VALUE)
		writer->no_cells = true;
	else
		keyapi_strbuf_append(&writer->entries, (const char *) &entry, sizeof(entry));
}

/*
 * Append the value of a member, and note where it is.
 */
static void
add_value(KeyapiBlockWriter *writer, Item *item, int name, const json_t *value)
{
	size_t		offset = writer->text.len;
	KeyapiBlockSpan span;
	bool		escaped = false;

	keyapi_json_write(&writer->text, value);
	if (writer->text.no_memory)
		return;
	span = span_from(writer, offset);
	if (json_is_string(value))
	{
		/* without its quotes */
		span.offset++;
		span.len -= 2;
		escaped = span.len != json_string_length(value);
	}
	add_cell(writer, name, span, keyapi_json_kind(value), escaped);

	/* what needs no unescaping is its own text */
	if (value == item->id && !escaped)
		item->row.id = span;
	if (value == item->echo && !escaped)
		item->row.echo = span;
}

/*
 * Append the item as JSON, and its members' cells.
 */
static void
add_members(KeyapiBlockWriter *writer, Item *item, json_t *object)
{
	KeyapiStrBuf *text = &writer->text;
	size_t		offset = text->len;
	const char *separator = "{";
	int			name = -1;

	for (void *i = json_object_iter(object); i != NULL;
		 i = json_object_iter_next(object, i))
	{
		keyapi_strbuf_append(text, separator, 1);
		name = add_key(writer, json_object_iter_key(i), name + 1);
		add_value(writer, item, name, json_object_iter_value(i));
		separator = ",";
	}
	if (*separator == '{')
		keyapi_strbuf_append(text, separator, 1);
	keyapi_strbuf_append(text, "}", 1);
	item->row.json = span_from(writer, offset);
}

KeyapiBlockSpan
keyapi_block_writer_text(KeyapiBlockWriter *writer, const json_t *value)
{
	size_t		offset = writer->text.len;

	if (value == NULL || json_is_null(value))
		return keyapi_no_span();
	keyapi_json_write_text(&writer->text, value);
	return span_from(writer, offset);
}

/*
 * Whether a text is one by which different items would look the same.
 */
static bool
is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (strchr(" \t\r\n", text[i]) == NULL)
			return false;
	}
	return true;
}

/*
 * Note the text that identifies the item, and its hash.
 */
static void
add_id(KeyapiBlockWriter *writer, KeyapiBlockRow *row)
{
	const char *id = writer->text.data + row->id.offset;

	if (is_blank(id, row->id.len))
		row->id = keyapi_no_span();
	else
		row->id_hash = hash_of(id, row->id.len);
}

static const json_t *
value_at(json_t *object, const char *path)
{
	return path == NULL ? NULL : keyapi_json_follow(object, path);
}

void
keyapi_block_writer_add(KeyapiBlockWriter *writer, json_t *object,
						const char *id, const char *echo)
{
	Item		item = {
		.id = value_at(object, id),
		.echo = value_at(object, echo),
		.row.id = keyapi_no_span(),
		.row.echo = keyapi_no_span(),
	};
	KeyapiBlockRow *row = &item.row;

	add_members(writer, &item, object);
	if (row->id.offset == UINT32_MAX || json_is_null(item.id))
		row->id = keyapi_block_writer_text(writer, item.id);
	if (row->echo.offset == UINT32_MAX || json_is_null(item.echo))
		row->echo = keyapi_block_writer_text(writer, item.echo);
	if (row->id.offset != UINT32_MAX && !writer->text.no_memory)
		add_id(writer, row);
	keyapi_strbuf_append(&writer->rows, (const char *) row, sizeof(*row));
	writer->nrows++;
}

/* ---------------------------------------------------------------------
 * Putting it together
 * ---------------------------------------------------------------------
 */

static bool
cells_do(const KeyapiBlockWriter *writer)
{
	size_t		cells = (size_t) writer->nrows * (size_t) writer->nnames;
	size_t		used = writer->entries.len / sizeof(Entry);

	return !writer->no_cells && cells <= FREE_CELLS + used * MAX_EMPTY_FACTOR;
}

static void
copy_cells(const KeyapiBlockWriter *writer, KeyapiBlockCell *cells)
{
	const Entry *entries = (const Entry *) writer->entries.data;

	for (size_t i = 0; i < writer->entries.len / sizeof(Entry); i++)
		cells[(size_t) entries[i].row * (size_t) writer->nnames +
			  (size_t) entries[i].name] = entries[i].cell;
}

/*
 * memcpy, for sources that may be NULL if there is nothing to copy.  Returns where
 * the copy ends.
 */
static char *
copy(char *target, const void *source, size_t len)
{
	if (len > 0)
		memcpy(target, source, len);
	return target + len;
}

static void
copy_parts(const KeyapiBlockWriter *writer, const KeyapiBlock *header, char *target)
{
	size_t		cells = (size_t) header->nrows * (size_t) header->nnames *
	sizeof(KeyapiBlockCell);

	target = copy(target, header, sizeof(*header));
	target = copy(target, writer->rows.data, writer->rows.len);
	memset(target, 0, cells);
	if (header->has_cells)
		copy_cells(writer, (KeyapiBlockCell *) target);
	target = copy(target + cells, writer->text.data, writer->text.len);
	for (int i = 0; i < header->nnames; i++)
		target = copy(target, writer->names[i].name, strlen(writer->names[i].name) + 1);
}

const KeyapiBlock *
keyapi_block_writer_finish(KeyapiBlockWriter *writer, const KeyapiBlock *header,
						   const KeyapiAllocator *allocator)
{
	KeyapiBlock head = *header;
	size_t		text;
	size_t		size;
	char	   *result;

	if (writer->text.no_memory || writer->rows.no_memory || writer->entries.no_memory)
		return NULL;
	head.format = KEYAPI_BLOCK_FORMAT;
	head.nrows = writer->nrows;
	head.has_cells = cells_do(writer);
	head.nnames = head.has_cells ? writer->nnames : 0;
	head.unused = 0;
	text = sizeof(KeyapiBlock) + writer->rows.len +
		(size_t) head.nrows * (size_t) head.nnames * sizeof(KeyapiBlockCell);
	size = text + writer->text.len;
	head.text = (uint32_t) text;
	head.names = (uint32_t) size;
	for (int i = 0; i < head.nnames; i++)
		size += strlen(writer->names[i].name) + 1;
	if (size > MAX_SIZE)
		return NULL;
	head.size = (uint32_t) size;
	result = allocator->alloc(allocator->arg, size);
	if (result != NULL)
		copy_parts(writer, &head, result);
	return (const KeyapiBlock *) result;
}

void
keyapi_block_writer_free(KeyapiBlockWriter *writer)
{
	keyapi_strbuf_free(&writer->text);
	keyapi_strbuf_free(&writer->rows);
	keyapi_strbuf_free(&writer->entries);
}
