/*-------------------------------------------------------------------------
 *
 * listing_pages.c
 *	  Page size and end of one listing.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/listing_pages.h"

#include <limits.h>

#include "common/hashfn.h"
#include "mb/pg_wchar.h"

#include "api/failure.h"

typedef struct PageEntry
{
	int			number;
	KeyapiPage *page;
	char		status;			/* simplehash's own */
} PageEntry;

#define SH_PREFIX pagetable
#define SH_ELEMENT_TYPE PageEntry
#define SH_KEY_TYPE int
#define SH_KEY number
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) (key))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* ---------------------------------------------------------------------
 * What is known
 * ---------------------------------------------------------------------
 */

KeyapiListingPages *
keyapi_listing_create(const KeyapiListing *listing)
{
	KeyapiListingPages *listing_pages = palloc0(sizeof(KeyapiListingPages));

	listing_pages->listing = *listing;
	for (int i = 0; i < listing->endpoint->nparams; i++)
		listing_pages->listing.values[i] = pstrdup(listing->values[i]);
	listing_pages->context = CurrentMemoryContext;
	listing_pages->pages = pagetable_create(CurrentMemoryContext, 32, NULL);
	listing_pages->size = listing->page_size;
	listing_pages->end_page = INT_MAX;
	listing_pages->last_page = INT_MAX;
	listing_pages->total_count = -1;
	return listing_pages;
}

KeyapiPage *
keyapi_listing_page(const KeyapiListingPages *listing_pages, int number)
{
	PageEntry  *entry = pagetable_lookup(listing_pages->pages, number);

	return entry == NULL ? NULL : entry->page;
}

int
keyapi_listing_num_pages(const KeyapiListingPages *listing_pages)
{
	return (int) listing_pages->pages->members;
}

void
keyapi_listing_count_pages(const KeyapiListingPages *listing_pages, int *unread,
						   int *spilled)
{
	pagetable_iterator iterator;
	PageEntry  *entry;

	*unread = 0;
	*spilled = listing_pages->spilled;
	pagetable_start_iterate(listing_pages->pages, &iterator);
	while ((entry = pagetable_iterate(listing_pages->pages, &iterator)) != NULL)
	{
		*unread += entry->page->pass == 0;
		*spilled += !listing_pages->gone && entry->page->kept->place >= 0;
	}
}

int64
keyapi_listing_first_rank(const KeyapiListingPages *listing_pages, int number)
{
	return (int64) (number - 1) * listing_pages->size + 1;
}

int
keyapi_listing_page_of_rank(const KeyapiListingPages *listing_pages, int64 rank)
{
	return (int) Min((rank - 1) / listing_pages->size + 1, INT_MAX);
}

/*
 * Whether total_count decides where the listing ends.
 */
static bool
total_decides(const KeyapiListingPages *listing_pages)
{
	return !listing_pages->has_more_seen && !listing_pages->total_is_wrong &&
		listing_pages->total_count >= 0;
}

/*
 * The page that holds the last announced item; 0 if none is announced.
 */
static int
page_of_total(const KeyapiListingPages *listing_pages)
{
	return listing_pages->total_count == 0 ? 0 :
		keyapi_listing_page_of_rank(listing_pages, listing_pages->total_count);
}

bool
keyapi_listing_ends_before(const KeyapiListingPages *listing_pages, int number)
{
	return number > listing_pages->end_page ||
		(total_decides(listing_pages) && number > page_of_total(listing_pages));
}

int
keyapi_listing_announced_end(const KeyapiListingPages *listing_pages)
{
	int			end = Min(listing_pages->end_page, listing_pages->last_page);

	if (end == INT_MAX && listing_pages->total_count >= 0 && !listing_pages->total_is_wrong)
		end = page_of_total(listing_pages);
	return end;
}

/* ---------------------------------------------------------------------
 * Page size and end
 * ---------------------------------------------------------------------
 */

/*
 * The limit that a page echoes, as far as it can be believed unseen; 0 if it
 * echoes none.
 */
static int
believable_limit(const KeyapiListing *listing, const KeyapiBlock *block)
{
	return Min(block->limit, listing->page_size);
}

/*
 * Number of items in the listing up to the end of this page, if all pages have
 * so many.
 */
static int64
position(const KeyapiPage *page, int size)
{
	return (int64) (page->number - 1) * size + page->nrows;
}

/*
 * Whether more follows a page that has items, by what the page says.  size is
 * the page size by all that is known, total is -1 if no total can be believed.
 */
static bool
says_more(const KeyapiListing *listing, const KeyapiPage *page, int size,
		  int64 total)
{
	const KeyapiBlock *block = page->kept->block;

	if (block->has_more >= 0)
		return block->has_more == 1;
	if (total >= position(page, size))
		return total > position(page, size);
	/* it shows more than it announces, or announces nothing */
	return block->nrows >= (block->limit > 0 ? size :
							Max(size, listing->page_size));
}

/*
 * The page size as far as a page tells it that is the only one known.
 */
static int
size_of_single_page(const KeyapiListing *listing, const KeyapiPage *page)
{
	const KeyapiBlock *block = page->kept->block;
	int			size = believable_limit(listing, block);

	/* a short page at the end may echo its own length */
	if (size == 0 ||
		(block->has_more != 1 &&
		 position(page, listing->page_size) == block->total_count))
		size = listing->page_size;
	return Max(size, block->nrows);
}

bool
keyapi_listing_page_is_last(const KeyapiListing *listing,
							const KeyapiPage *page)
{
	return page->nrows == 0 ||
		!says_more(listing, page, size_of_single_page(listing, page),
				   page->kept->block->total_count);
}

/*
 * Learn from a page that has items how large pages are; and whether more
 * follows it.
 */
static bool
learn_size_and_end(KeyapiListingPages *listing_pages, const KeyapiPage *page)
{
	const KeyapiBlock *block = page->kept->block;
	const KeyapiListing *listing = &listing_pages->listing;
	int			size = Max(listing_pages->echoed, listing_pages->most_before_end);
	bool		more;

	size = size > 0 ? Max(size, block->nrows) :
		size_of_single_page(listing, page);
	more = says_more(listing, page, size,
					 listing_pages->has_more_seen ||
					 listing_pages->total_is_wrong ? -1 : listing_pages->total_count);
	if (more)
	{
		listing_pages->echoed = Max(listing_pages->echoed,
									believable_limit(listing, block));
		listing_pages->most_before_end = Max(listing_pages->most_before_end,
											 block->nrows);
		size = Max(listing_pages->echoed, listing_pages->most_before_end);
	}
	listing_pages->most_items = Max(listing_pages->most_items, block->nrows);
	listing_pages->size = Max(size, listing_pages->most_items);

	if (listing_pages->total_count >= 0 &&
		listing_pages->total_count <
		position(page, listing_pages->size) + (block->has_more == 1))
		listing_pages->total_is_wrong = true;
	return more;
}

/* ---------------------------------------------------------------------
 * Whose items they are
 * ---------------------------------------------------------------------
 */

/*
 * Whether two texts in UTF-8 are the same but for the case of ASCII letters.
 */
static bool
same_text(KeyapiSlice a, const char *b)
{
	return a.len == strlen(b) && pg_strncasecmp(a.data, b, a.len) == 0;
}

/*
 * Note whether the items say that they are of the list that was asked for.
 */
static void
check_echo(KeyapiListingPages *listing_pages, const KeyapiPage *page)
{
	const KeyapiEndpoint *endpoint = listing_pages->listing.endpoint;
	const char *asked;

	if (endpoint->echo_param == NULL || listing_pages->echo_matched ||
		page->nrows == 0)
		return;
	asked = listing_pages->listing.values[keyapi_endpoint_param(endpoint,
																endpoint->echo_param)];
	asked = pg_server_to_any(asked, strlen(asked), PG_UTF8);
	for (int i = 0; i < page->nrows; i++)
	{
		KeyapiSlice echo = keyapi_block_echo(page->kept->block, i);

		if (echo.data == NULL)
			continue;
		listing_pages->echo_seen = true;
		if (same_text(echo, asked))
			listing_pages->echo_matched = true;
		else if (listing_pages->other_echo.data == NULL)
			listing_pages->other_echo =
				keyapi_slice(pnstrdup(echo.data, echo.len), echo.len);
	}
}

/* ---------------------------------------------------------------------
 * Adding a page
 * ---------------------------------------------------------------------
 */

/*
 * What a list of the API should never be: dead upstreams answer so, and those
 * that do not know a parameter.
 */
static void
warn_empty(const KeyapiListingPages *listing_pages, const KeyapiPage *page)
{
	const KeyapiListing *listing = &listing_pages->listing;
	KeyapiSlice message = keyapi_block_message(page->kept->block);

	ereport(WARNING,
			(errmsg("list %s is empty", keyapi_listing_key(listing)),
			 listing_pages->total_count > 0 ?
			 errdetail("The API announced " INT64_FORMAT " %s, but its first page has none.",
					   listing_pages->total_count, listing->endpoint->items) :
			 message.data != NULL && !same_text(message, "success") ?
			 errdetail("The API says: \"%s\".",
					   keyapi_quotable(pnstrdup(message.data, message.len))) : 0,
			 errhint("The API may not know these parameters, or no longer serve them.")));
}

/*
 * Warn that the listing has ended before the total that it announced.
 */
static void
warn_early_end(const KeyapiListingPages *listing_pages, int64 got,
			   const char *reason, int sent_after)
{
	const KeyapiListing *listing = &listing_pages->listing;
	char	   *wasted = "";

	if (sent_after > 0)
		wasted = psprintf(ngettext("  %d later page had been asked for by then.",
								   "  %d later pages had been asked for by then.",
								   sent_after), sent_after);
	ereport(WARNING,
			(errmsg("list %s ended early: got " INT64_FORMAT " of " INT64_FORMAT " announced %s",
					keyapi_listing_key(listing), got, listing_pages->total_count,
					listing->endpoint->items),
			 errdetail_internal("%s%s", reason, wasted)));
}

/*
 * Items in the listing up to the end of the page, as far as that can be told: by
 * counting them, if all pages up to there are here, else by their ranks.
 */
static int64
items_up_to(const KeyapiListingPages *listing_pages, const KeyapiPage *page)
{
	if (keyapi_listing_num_pages(listing_pages) == page->number)
		return keyapi_listing_items_count(listing_pages->items);
	return position(page, listing_pages->size);
}

/*
 * Note that no page follows this one; false if an end was known before, which
 * has been warned of then.
 */
static bool
end_listing(KeyapiListingPages *listing_pages, int last_page)
{
	bool		is_news = listing_pages->end_page == INT_MAX;

	listing_pages->end_page = Min(listing_pages->end_page, last_page);
	return is_news;
}

/*
 * The page brings nothing: the listing ended before it, whatever is announced.
 */
static void
end_before(KeyapiListingPages *listing_pages, const KeyapiPage *page, int sent_after)
{
	int64		total = listing_pages->total_count;

	if (!end_listing(listing_pages, page->number - 1))
		return;
	if (page->number == 1)
		warn_empty(listing_pages, page);
	else if (keyapi_listing_first_rank(listing_pages, page->number) <= total ||
			 items_up_to(listing_pages, page) + listing_pages->most_items <= total)
		warn_early_end(listing_pages,
					   keyapi_listing_first_rank(listing_pages, page->number) - 1,
					   psprintf("The API announced more %s, but its next page brought no new one.",
								listing_pages->listing.endpoint->items),
					   sent_after);
}

/*
 * The listing ends with the page.  If just the last page is short of some that
 * were announced, no page is missing.  But if it is as full as any other one,
 * the pages do not fit the total by which it is the last.
 */
static void
end_with(KeyapiListingPages *listing_pages, const KeyapiPage *page, int sent_after)
{
	int64		total = listing_pages->total_count;

	if (!end_listing(listing_pages, page->number))
		return;
	if (keyapi_listing_first_rank(listing_pages, page->number + 1) <= total)
		warn_early_end(listing_pages, position(page, listing_pages->size),
					   "The API announced more pages, but said that there is none.",
					   sent_after);
	else if (page->kept->block->has_more < 0 &&
			 page->nrows == listing_pages->most_items &&
			 items_up_to(listing_pages, page) < total)
		warn_early_end(listing_pages, items_up_to(listing_pages, page),
					   "Its pages are smaller than the API says.",
					   sent_after);
}

void
keyapi_listing_add_page(KeyapiListingPages *listing_pages, KeyapiPage *page,
						int sent_after)
{
	const KeyapiBlock *block = keyapi_kept_page_pin(page->kept);
	MemoryContext oldcontext = MemoryContextSwitchTo(listing_pages->context);
	bool		any_new;
	bool		more;
	bool		found;

	page->pass = 0;
	pagetable_insert(listing_pages->pages, page->number, &found)->page = page;
	if (block->total_count >= 0)
		listing_pages->total_count = block->total_count;

	if (listing_pages->items == NULL)
		listing_pages->items = keyapi_listing_items_create();
	any_new = keyapi_listing_items_enter(listing_pages->items, page,
										 listing_pages->total_count);
	check_echo(listing_pages, page);
	more = block->nrows > 0 && learn_size_and_end(listing_pages, page);
	if (block->has_more >= 0)
		listing_pages->has_more_seen = true;

	/* what is announced beyond it would be on the page itself */
	if (total_decides(listing_pages) &&
		page->number == page_of_total(listing_pages))
		more = false;

	if (!any_new)
		end_before(listing_pages, page, sent_after);
	else if (!more)
		end_with(listing_pages, page, sent_after);
	MemoryContextSwitchTo(oldcontext);
	keyapi_kept_page_unpin(page->kept);
}

void
keyapi_listing_let_go(KeyapiListingPages *listing_pages)
{
	int			unread;

	keyapi_listing_count_pages(listing_pages, &unread, &listing_pages->spilled);
	if (listing_pages->items != NULL)
		keyapi_listing_items_free(listing_pages->items);
	listing_pages->items = NULL;
	listing_pages->gone = true;
}
