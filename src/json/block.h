/*-------------------------------------------------------------------------
 *
 * block.h
 *	  A page as one block of bytes: what is left of a body once it is decoded.
 *
 * A block holds no pointers.  It lies as it is in the cache, in a statement's
 * memory and under a scan; it is copied with memcpy and never parsed again.  In
 * this order:
 *
 *		header		KeyapiBlock
 *		rows		KeyapiBlockRow, nrows of them
 *		cells		KeyapiBlockCell, nnames for each row
 *		text		what spans point to: each row as compact JSON in UTF-8, ids,
 *					the API's words
 *		names		nnames names of members, each followed by a NUL
 *
 * A cell is a member of a row: where its value is in the row's JSON, and of what
 * kind.  If the rows have too many different names for that, there are neither
 * names nor cells, and members are found by parsing (field.h).
 *
 * A block is also input: it may come from memory that others have written.
 * keyapi_block_open checks its parts, and each function here the span that it
 * follows.  So no bytes whatsoever lead to a read beyond the block.
 *
 * block_writer.h makes blocks.  Plain C, without jansson.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_BLOCK_H
#define KEYAPI_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Changes with each change of what is said here. */
#define KEYAPI_BLOCK_FORMAT 0x6B620001

/* More names than this are not worth a column each. */
#define KEYAPI_BLOCK_MAX_NAMES 64

/* Longest value that a cell can tell the place of, in bytes */
#define KEYAPI_BLOCK_MAX_VALUE ((1U << 27) - 1)

/* Some bytes of text.  No NUL follows them; data is NULL if there is no text. */
typedef struct KeyapiSlice
{
	const char *data;
	size_t		len;
} KeyapiSlice;

static inline KeyapiSlice
keyapi_slice(const char *data, size_t len)
{
	KeyapiSlice slice = {data, len};

	return slice;
}

/* A part of a block's text, by its place from there.  One that is not within the
 * text stands for nothing. */
typedef struct KeyapiBlockSpan
{
	uint32_t	offset;
	uint32_t	len;
} KeyapiBlockSpan;

static inline KeyapiBlockSpan
keyapi_no_span(void)
{
	KeyapiBlockSpan span = {UINT32_MAX, 0};

	return span;
}

typedef struct KeyapiBlock
{
	uint32_t	format;			/* KEYAPI_BLOCK_FORMAT */
	uint32_t	size;			/* of the block, in bytes */
	int32_t		nrows;
	int32_t		nnames;
	uint32_t	text;			/* where the text begins */
	uint32_t	names;			/* and where it ends: the names begin */
	int64_t		total_count;	/* or -1 when absent */
	int32_t		has_more;		/* 1, 0, or -1 when absent */
	int32_t		limit;			/* page size that was applied, or 0 when
								 * absent */
	uint32_t	has_cells;		/* all members have names and cells */
	KeyapiBlockSpan request_id;
	KeyapiBlockSpan message;
	uint32_t	unused;			/* rows begin at a multiple of 8 */
} KeyapiBlock;

typedef struct KeyapiBlockRow
{
	KeyapiBlockSpan json;
	KeyapiBlockSpan id;			/* as text, not as JSON */
	KeyapiBlockSpan echo;		/* likewise */
	uint32_t	id_hash;
} KeyapiBlockRow;

typedef enum KeyapiMemberKind
{
	KEYAPI_MEMBER_MISSING,		/* 0: what a row does not have */
	KEYAPI_MEMBER_NULL,
	KEYAPI_MEMBER_FALSE,
	KEYAPI_MEMBER_TRUE,
	KEYAPI_MEMBER_INTEGER,		/* digits, maybe after a minus sign; fits 64
								 * bits */
	KEYAPI_MEMBER_REAL,
	KEYAPI_MEMBER_STRING,
	KEYAPI_MEMBER_ARRAY,
	KEYAPI_MEMBER_OBJECT
} KeyapiMemberKind;

typedef struct KeyapiBlockCell
{
	uint32_t	offset;			/* of the value in the text */
	uint32_t	len:27;			/* a string's without its quotes */
	uint32_t	kind:4;			/* KeyapiMemberKind */
	uint32_t	escaped:1;		/* a string with escapes */
} KeyapiBlockCell;

/* A member of a row, or what a path leads to. */
typedef struct KeyapiMember
{
	KeyapiMemberKind kind;
	bool		escaped;		/* a string with escapes, which
								 * keyapi_json_unescape undoes */
	KeyapiSlice text;			/* a string's without its quotes */
} KeyapiMember;

/*
 * The block that these len bytes are, which must be aligned to 8; or NULL if they
 * are none.  The bytes are the block: they must stay as they are.
 */
extern const KeyapiBlock *keyapi_block_open(const void *bytes, size_t len);

/*
 * What the API says of the page; data is NULL where it says nothing.
 */
extern KeyapiSlice keyapi_block_request_id(const KeyapiBlock *block);
extern KeyapiSlice keyapi_block_message(const KeyapiBlock *block);

/*
 * Of a row, from 0 to nrows - 1: all of it as compact JSON; what identifies it,
 * and which list it says to be of, as text.  data is NULL where there is none.
 */
extern KeyapiSlice keyapi_block_json(const KeyapiBlock *block, int row);
extern KeyapiSlice keyapi_block_id(const KeyapiBlock *block, int row);
extern KeyapiSlice keyapi_block_echo(const KeyapiBlock *block, int row);

/*
 * A hash of the row's id: equal ids have equal ones.
 */
extern uint32_t keyapi_block_id_hash(const KeyapiBlock *block, int row);

/*
 * The names of the members, all together and each with its NUL: the same bytes
 * are the same table.  Empty without cells.
 */
extern KeyapiSlice keyapi_block_names(const KeyapiBlock *block);

/*
 * The name that follows one in keyapi_block_names, the first one after NULL; NULL
 * after the last.
 */
extern const char *keyapi_block_next_name(KeyapiSlice names, const char *name);

/*
 * The member of a row that has this name, by the name's index in the table;
 * MISSING if there is none.
 */
extern KeyapiMember keyapi_block_member(const KeyapiBlock *block, int row,
										int name);

/*
 * Undo the escapes of a string's text.  result has room for len bytes and may be
 * text.data; returns the length of what was written, without a NUL.
 */
extern size_t keyapi_json_unescape(KeyapiSlice text, char *result);

#endif							/* KEYAPI_BLOCK_H */
