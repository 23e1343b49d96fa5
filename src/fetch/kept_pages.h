/*-------------------------------------------------------------------------
 *
 * kept_pages.h
 *	  The pages that this session keeps for its statements: in memory up to
 *	  work_mem, then in a temporary file.
 *
 * Which pages are kept, and for how long, is decided in statement_lists.c.  There
 * is one bound for all of them together, whichever queries and cursors they belong
 * to.  It is enforced by keyapi_kept_pages_trim and not before: pages that are on
 * their way have been paid for, so they are taken in first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_KEPT_PAGES_H
#define KEYAPI_KEPT_PAGES_H

#include "compat.h"

#include "lib/ilist.h"

#include "fetch/spill_file.h"
#include "json/block.h"

/* A page that is kept: a part of what its owner knows of it. */
typedef struct KeyapiKeptPage
{
	const KeyapiBlock *block;	/* while it is in memory; else NULL */
	Size		size;			/* of the block, in bytes */
	int			pins;			/* how often it is pinned */
	dlist_node	node;			/* among the pages in memory */
	KeyapiSpillFile *file;		/* where it goes if memory is short */
	off_t		place;			/* in the file; -1: it is not there */
} KeyapiKeptPage;

/*
 * The memory that blocks are kept in.  What was allocated there and is not added yet
 * goes when the last page is let go: let none go in between.
 */
extern MemoryContext keyapi_kept_pages_context(void);

/*
 * Keep a page whose len bytes of data were allocated in that memory; they belong to
 * it from now on.  file must stay as long as the page.  False, and the data is
 * freed, if it is no block: memory that others can write may be damaged.
 */
extern bool keyapi_kept_page_add(KeyapiKeptPage *page, const void *data, Size len,
								 KeyapiSpillFile *file);

/*
 * Do not keep the page any longer, pinned or not.  Raises no error.
 */
extern void keyapi_kept_page_free(KeyapiKeptPage *page);

/*
 * Have the page in memory until it is unpinned as often.  Raises what
 * keyapi_spill_file_read and keyapi_kept_pages_trim raise.  A pin that an error
 * leaves behind does no harm: the page stays in memory until it is freed.
 */
extern const KeyapiBlock *keyapi_kept_page_pin(KeyapiKeptPage *page);
extern void keyapi_kept_page_unpin(KeyapiKeptPage *page);

/*
 * Keep to work_mem: move those pages to their files that were not used for the
 * longest time.  Raises what keyapi_spill_file_write raises, and what interrupts
 * raise.
 */
extern void keyapi_kept_pages_trim(void);

#endif							/* KEYAPI_KEPT_PAGES_H */
