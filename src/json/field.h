/*-------------------------------------------------------------------------
 *
 * field.h
 *	  What a dotted path leads to in the rows of blocks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FIELD_H
#define KEYAPI_FIELD_H

#include "json/allocator.h"
#include "json/block.h"

/* A path ("author.name", "tags.0"; "" = the whole object), resolved for blocks
 * with the same table of names. */
typedef struct KeyapiField
{
	const char *path;
	int			whole;			/* index of the name that is all of the path,
								 * or -1 */
	int			head;			/* of the name that is its first component if
								 * others follow, or -1 */
	const char *rest;			/* what follows that */
} KeyapiField;

/*
 * Resolve a path, which is kept, for the names of keyapi_block_names.
 */
extern KeyapiField keyapi_field_resolve(const char *path, KeyapiSlice names);

/*
 * What the path leads to in a row of a block that has those names.  A member
 * whose name is all that is left of the path wins: "a.b" may be the name of one
 * member.  In "tags.0", 0 is an index if tags is an array.
 *
 * Below the top level, and in a block without cells, that is found by parsing;
 * its text is in memory of the allocator then, else it is the block's own.  False
 * if memory is out.
 */
extern bool keyapi_field_read(const KeyapiField *field, const KeyapiBlock *block,
							  int row, const KeyapiAllocator *allocator,
							  KeyapiMember *member);

#endif							/* KEYAPI_FIELD_H */
