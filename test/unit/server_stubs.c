/*-------------------------------------------------------------------------
 *
 * server_stubs.c
 *	  What tests without a server need of one: memory that goes all at once, and
 *	  reports that are counted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "server_stubs.h"

int			server_stub_warnings;

volatile sig_atomic_t InterruptPending;
MemoryContext CurrentMemoryContext;

/* ---------------------------------------------------------------------
 * Memory
 * ---------------------------------------------------------------------
 */

typedef struct Block
{
	struct Block *next;
	struct Block **link;		/* that points to it */
	double		data[FLEXIBLE_ARRAY_MEMBER];
} Block;

static Block *blocks;

#define block_of(pointer) ((Block *) ((char *) (pointer) - offsetof(Block, data)))

void *
palloc(Size size)
{
	Block	   *block = malloc(offsetof(Block, data) + size);

	if (block == NULL)
		abort();
	block->next = blocks;
	block->link = &blocks;
	if (blocks != NULL)
		blocks->link = &block->next;
	blocks = block;
	return block->data;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Block	   *block = block_of(pointer);

	*block->link = block->next;
	if (block->next != NULL)
		block->next->link = block->link;
	free(block);
}

void *
repalloc(void *pointer, Size size)
{
	Block	   *block = realloc(block_of(pointer), offsetof(Block, data) + size);

	if (block == NULL)
		abort();
	*block->link = block;
	if (block->next != NULL)
		block->next->link = &block->next;
	return block->data;
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

char *
pstrdup(const char *text)
{
	return strcpy(palloc(strlen(text) + 1), text);
}

char *
pnstrdup(const char *text, Size len)
{
	return memcpy(palloc0(len + 1), text, len);
}

void
server_stub_free_all(void)
{
	while (blocks != NULL)
		pfree(blocks->data);
}

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	return flags & MCXT_ALLOC_ZERO ? palloc0(size) : palloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return palloc0(size);
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name,
							  Size minContextSize, Size initBlockSize,
							  Size maxBlockSize)
{
	return NULL;
}

void
MemoryContextReset(MemoryContext context)
{
}

/* ---------------------------------------------------------------------
 * Reports
 * ---------------------------------------------------------------------
 */

void
ProcessInterrupts(void)
{
}

bool
errstart(int elevel, const char *domain)
{
	if (elevel != WARNING)
		abort();
	server_stub_warnings++;
	return false;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
}

int
errmsg(const char *format,...)
{
	return 0;
}

int
errmsg_internal(const char *format,...)
{
	return 0;
}

int
errdetail(const char *format,...)
{
	return 0;
}

int
errdetail_internal(const char *format,...)
{
	return 0;
}

int
errhint(const char *format,...)
{
	return 0;
}

char *
pg_server_to_any(const char *text, int len, int encoding)
{
	return unconstify(char *, text);
}
