/*-------------------------------------------------------------------------
 *
 * block_fuzz.c
 *	  Arbitrary bytes in place of a block, for libFuzzer: nothing beyond them is
 *	  read.
 *
 * The blocks to start from are what `decode_fuzz --corpus DIR` makes of its bodies.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "block_walk.h"

static void *chunks[100000];
static int	nchunks;

static void *
take(void *arg, size_t size)
{
	(void) arg;
	if (nchunks == (int) (sizeof(chunks) / sizeof(chunks[0])))
		return NULL;
	return chunks[nchunks++] = malloc(size);
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const KeyapiAllocator allocator = {.alloc = take};

	(void) block_walk_bytes(data, size, &allocator);
	while (nchunks > 0)
		free(chunks[--nchunks]);
	return 0;
}
