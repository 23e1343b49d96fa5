/*-------------------------------------------------------------------------
 *
 * listing_pages.c
 *	  Page size, end and ids of one listing.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/listing_pages.h"

#include <limits.h>

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "api/failure.h"

/* A page where an id occurs; usually the only one. */
typedef struct Occurrence
{
	const KeyapiPage *page;
	int			index;			/* the lowest there */
	struct Occurrence *next;
} Occurrence;

typedef struct IdEntry
{
	const char *id;
	Occurrence *first;			/* one for each page, the latest page's first */
	uint32		hash;			/* of id: insertion looks at its neighbours' */
	char		status;			/* simplehash's own */
} IdEntry;

#define SH_PREFIX idtable
#define SH_ELEMENT_TYPE IdEntry
#define SH_KEY_TYPE const char *
#define SH_KEY id
#define SH_HASH_KEY(tb, key) \
	hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct PageEntry
{
	int			number;
	KeyapiPage *page;
	char		status;			/* simplehash's own */
}			PageEntry;

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
	listing_pages->ids = idtable_create(CurrentMemoryContext, 64, NULL);
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

int
keyapi_listing_num_unread(const KeyapiListingPages *listing_pages)
{
	pagetable_iterator iterator;
	PageEntry  *entry;
	int			unread = 0;

	pagetable_start_iterate(listing_pages->pages, &iterator);
	while ((entry = pagetable_iterate(listing_pages->pages, &iterator)) != NULL)
		unread += entry->page->pass == 0;
	return unread;
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
believable_limit(const KeyapiListing *listing, const KeyapiDecoded *data)
{
	return Min(data->limit, listing->page_size);
}

/*
 * Number of items in the listing up to the end of this page, if all pages have
 * so many.
 */
static int64
position(const KeyapiPage *page, int size)
{
	return (int64) (page->number - 1) * size + page->data.nitems;
}

/*
 * Whether more follows a page that has items, by what the page says.  size is
 * the page size by all that is known, total is -1 if no total can be believed.
 */
static bool
says_more(const KeyapiListing *listing, const KeyapiPage *page, int size,
		  int64 total)
{
	const KeyapiDecoded *data = &page->data;

	if (data->has_more >= 0)
		return data->has_more == 1;
	if (total >= position(page, size))
		return total > position(page, size);
	/* it shows more than it announces, or announces nothing */
	return data->nitems >= (data->limit > 0 ? size :
							Max(size, listing->page_size));
}

/*
 * The page size as far as a page tells it that is the only one known.
 */
static int
size_of_single_page(const KeyapiListing *listing, const KeyapiPage *page)
{
	const KeyapiDecoded *data = &page->data;
	int			size = believable_limit(listing, data);

	/* a short page at the end may echo its own length */
	if (size == 0 ||
		(data->has_more != 1 &&
		 position(page, listing->page_size) == data->total_count))
		size = listing->page_size;
	return Max(size, data->nitems);
}

bool
keyapi_listing_page_is_last(const KeyapiListing *listing,
							const KeyapiPage *page)
{
	return page->data.nitems == 0 ||
		!says_more(listing, page, size_of_single_page(listing, page),
				   page->data.total_count);
}

/*
 * Learn from a page that has items how large pages are; and whether more
 * follows it.
 */
static bool
learn_size_and_end(KeyapiListingPages *listing_pages, const KeyapiPage *page)
{
	const KeyapiDecoded *data = &page->data;
	const KeyapiListing *listing = &listing_pages->listing;
	int			size = Max(listing_pages->echoed, listing_pages->most_before_end);
	bool		more;

	size = size > 0 ? Max(size, data->nitems) :
		size_of_single_page(listing, page);
	more = says_more(listing, page, size,
					 listing_pages->has_more_seen ||
					 listing_pages->total_is_wrong ? -1 : listing_pages->total_count);
	if (more)
	{
		listing_pages->echoed = Max(listing_pages->echoed,
									believable_limit(listing, data));
		listing_pages->most_before_end = Max(listing_pages->most_before_end,
											 data->nitems);
		size = Max(listing_pages->echoed, listing_pages->most_before_end);
	}
	listing_pages->most_items = Max(listing_pages->most_items, data->nitems);
	listing_pages->size = Max(size, listing_pages->most_items);

	if (listing_pages->total_count >= 0 &&
		listing_pages->total_count <
		position(page, listing_pages->size) + (data->has_more == 1))
		listing_pages->total_is_wrong = true;
	return more;
}

/* ---------------------------------------------------------------------
 * Ids
 * ---------------------------------------------------------------------
 */

/*
 * Enter the page's ids.  True if at least one item is new: its id is unknown,
 * or known only from later pages.  An item without an id counts as new.
 */
static bool
enter_ids(KeyapiListingPages *listing_pages, const KeyapiPage *page)
{
	bool		any_new = false;

	for (int i = 0; i < page->data.nitems; i++)
	{
		const char *id = page->data.items[i].id;
		Occurrence *occurrence;
		IdEntry    *entry;
		bool		found = false;
		bool		is_new = true;

		if (id == NULL)
		{
			any_new = true;
			continue;
		}
		entry = idtable_insert(listing_pages->ids, id, &found);
		if (!found)
			entry->first = NULL;
		for (Occurrence *o = entry->first; o != NULL; o = o->next)
		{
			if (o->page->number < page->number)
				is_new = false;
		}
		any_new |= is_new;
		if (entry->first != NULL && entry->first->page == page)
			continue;
		occurrence = palloc(sizeof(Occurrence));
		occurrence->page = page;
		occurrence->index = i;
		occurrence->next = entry->first;
		entry->first = occurrence;
	}
	return any_new;
}

bool
keyapi_listing_is_duplicate(const KeyapiListingPages *listing_pages,
							const KeyapiPage *page, int index, int64 pass)
{
	const char *id = page->data.items[index].id;
	IdEntry    *entry;

	if (id == NULL)
		return false;
	entry = idtable_lookup(listing_pages->ids, id);
	for (Occurrence *o = entry->first; o != NULL; o = o->next)
	{
		if (o->page == page ? o->index < index :
			o->page->number < page->number && o->page->pass == pass)
			return true;
	}
	return false;
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
		page->data.nitems == 0)
		return;
	asked = listing_pages->listing.values[keyapi_endpoint_param(endpoint,
																endpoint->echo_param)];
	asked = pg_server_to_any(asked, strlen(asked), PG_UTF8);
	for (int i = 0; i < page->data.nitems; i++)
	{
		const char *echo = page->data.items[i].echo;

		if (echo == NULL)
			continue;
		listing_pages->echo_seen = true;
		if (pg_strcasecmp(echo, asked) == 0)
			listing_pages->echo_matched = true;
		else
			listing_pages->other_echo = echo;
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
	const char *message = page->data.message;

	ereport(WARNING,
			(errmsg("list %s is empty", keyapi_listing_key(listing)),
			 listing_pages->total_count > 0 ?
			 errdetail("The API announced " INT64_FORMAT " %s, but its first page has none.",
					   listing_pages->total_count, listing->endpoint->items) :
			 message != NULL && pg_strcasecmp(message, "success") != 0 ?
			 errdetail("The API says: \"%s\".", keyapi_quotable(message)) : 0,
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
		return listing_pages->num_items;
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
	else if (page->data.has_more < 0 &&
			 page->data.nitems == listing_pages->most_items &&
			 items_up_to(listing_pages, page) < total)
		warn_early_end(listing_pages, items_up_to(listing_pages, page),
					   "Its pages are smaller than the API says.",
					   sent_after);
}

void
keyapi_listing_add_page(KeyapiListingPages *listing_pages, KeyapiPage *page,
						int sent_after)
{
	const KeyapiDecoded *data = &page->data;
	MemoryContext oldcontext = MemoryContextSwitchTo(listing_pages->context);
	bool		any_new;
	bool		more;
	bool		found;

	page->pass = 0;
	pagetable_insert(listing_pages->pages, page->number, &found)->page = page;
	listing_pages->num_items += data->nitems;
	if (data->total_count >= 0)
		listing_pages->total_count = data->total_count;

	any_new = enter_ids(listing_pages, page);
	check_echo(listing_pages, page);
	more = data->nitems > 0 && learn_size_and_end(listing_pages, page);
	if (data->has_more >= 0)
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
}
