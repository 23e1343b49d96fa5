/*-------------------------------------------------------------------------
 *
 * block_walk.h
 *	  Reads all that can be read of a block, for tests.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BLOCK_WALK_H
#define BLOCK_WALK_H

#include "json/allocator.h"
#include "json/block.h"

/*
 * Read each byte that a function of block.h or field.h hands out, so that a
 * sanitizer sees those that are not the block's.  Returns a sum of them, so that
 * no compiler leaves the reading out.
 */
extern unsigned long block_walk(const KeyapiBlock *block,
								const KeyapiAllocator *allocator);

/*
 * The same for bytes that may be no block: of a copy that ends where its memory
 * ends, with a header changed so far that it is opened if it can be.
 */
extern unsigned long block_walk_bytes(const void *bytes, size_t len,
									  const KeyapiAllocator *allocator);

#endif							/* BLOCK_WALK_H */
