/*-------------------------------------------------------------------------
 *
 * kept_pages.c
 *	  The pages that this session keeps for its statements.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/kept_pages.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* Pages are kept in blocks of these many bytes, doubled from block to block. */
#define FIRST_BLOCK (32 * 1024)
#define LARGEST_BLOCK (512 * 1024)

/*
 * A usual list, all columns and pages of it, in bytes.  So much is not given back
 * after use: to get it from the system each time costs more than to copy the pages.
 */
#define USUAL_LIST (512 * 1024)

/* The pages in memory, those that were used last first; and their bytes. */
static dlist_head in_memory = DLIST_STATIC_INIT(in_memory);
static Size taken = 0;

/*
 * Pages come and go in about the same order.  An AllocSet would malloc each by
 * itself.
 */
static MemoryContext context = NULL;

MemoryContext
keyapi_kept_pages_context(void)
{
	if (context == NULL)
		context = GenerationContextCreate(TopMemoryContext, "keyapi_fdw pages",
										  USUAL_LIST, FIRST_BLOCK, LARGEST_BLOCK);
	return context;
}

/*
 * Have the page in memory as that block.
 */
static void
take_in(KeyapiKeptPage *page, const KeyapiBlock *block)
{
	page->block = block;
	dlist_push_head(&in_memory, &page->node);
	taken += page->size;
}

static void
let_go(KeyapiKeptPage *page)
{
	pfree(unconstify(KeyapiBlock *, page->block));
	page->block = NULL;
	dlist_delete(&page->node);
	taken -= page->size;
	if (dlist_is_empty(&in_memory))
		MemoryContextReset(context);
}

bool
keyapi_kept_page_add(KeyapiKeptPage *page, const void *data, Size len,
					 KeyapiSpillFile *file)
{
	const KeyapiBlock *block = keyapi_block_open(data, len);

	if (block == NULL)
	{
		pfree(unconstify(void *, data));
		return false;
	}
	*page = (KeyapiKeptPage)
	{
		.size = len,.file = file,.place = -1
	};
	take_in(page, block);
	return true;
}

void
keyapi_kept_page_free(KeyapiKeptPage *page)
{
	if (page->block != NULL)
		let_go(page);
}

/*
 * Read the page back.
 */
static void
load(KeyapiKeptPage *page)
{
	void	   *data;
	const KeyapiBlock *block;

	CHECK_FOR_INTERRUPTS();
	data = MemoryContextAlloc(keyapi_kept_pages_context(), page->size);
	keyapi_spill_file_read(page->file, page->place, data, page->size);
	block = keyapi_block_open(data, page->size);
	if (block == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a page in a temporary file is damaged")));
	take_in(page, block);
}

const KeyapiBlock *
keyapi_kept_page_pin(KeyapiKeptPage *page)
{
	bool		was_there = page->block != NULL;

	if (!was_there)
		load(page);
	page->pins++;
	dlist_move_head(&in_memory, &page->node);
	if (!was_there)
		keyapi_kept_pages_trim();
	return page->block;
}

void
keyapi_kept_page_unpin(KeyapiKeptPage *page)
{
	page->pins--;
}

/*
 * Move a page to its file, where it may be already.
 */
static void
spill(KeyapiKeptPage *page)
{
	CHECK_FOR_INTERRUPTS();
	if (page->place < 0)
		page->place = keyapi_spill_file_write(page->file, page->block, page->size);
	let_go(page);
}

/*
 * The page in memory that was not used for the longest time and is not pinned; or
 * NULL.
 */
static KeyapiKeptPage *
least_used(void)
{
	dlist_iter	iter;

	dlist_reverse_foreach(iter, &in_memory)
	{
		KeyapiKeptPage *page = dlist_container(KeyapiKeptPage, node, iter.cur);

		if (page->pins == 0)
			return page;
	}
	return NULL;
}

void
keyapi_kept_pages_trim(void)
{
	KeyapiKeptPage *page;

	while (taken > (Size) work_mem * 1024 && (page = least_used()) != NULL)
		spill(page);
}
