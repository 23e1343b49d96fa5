/*-------------------------------------------------------------------------
 *
 * listing_pages.c
 *	  What a scan knows of one list: arithmetic of pages, stop rule, ids.
 *
 * The stop rule: a list ends where has_more says so; without has_more, at the
 * announced total; without that too, at a page that is not full.  Whatever they
 * say, it ends before a page that brings no new id.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/listing_pages.h"

#include <limits.h>

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* A page where an id occurs; usually the only one. */
typedef struct Occurrence
{
	const KeyapiPage *page;
	int64		rank;			/* the lowest there */
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

KeyapiListingPages *
keyapi_listing_create(const KeyapiListing *listing)
{
	KeyapiListingPages *listing_pages = palloc0(sizeof(KeyapiListingPages));

	listing_pages->listing = *listing;
	for (int i = 0; i < listing->endpoint->nparams; i++)
		listing_pages->listing.values[i] = pstrdup(listing->values[i]);
	listing_pages->context = CurrentMemoryContext;
	listing_pages->limit = listing->page_size;
	listing_pages->end_rank = PG_INT64_MAX;
	listing_pages->total_count = -1;
	listing_pages->last_page = INT_MAX;
	listing_pages->ids = idtable_create(CurrentMemoryContext, 64, NULL);
	return listing_pages;
}

int
keyapi_listing_page_number(const KeyapiListingPages *listing_pages, int64 rank)
{
	return (int) ((rank - 1) / listing_pages->limit) + 1;
}

KeyapiPage *
keyapi_listing_page_at(const KeyapiListingPages *listing_pages, int64 rank)
{
	ListCell   *lc;

	foreach(lc, listing_pages->pages)
	{
		KeyapiPage *page = lfirst(lc);

		if (page->first_rank <= rank && rank < page->end_rank)
			return page;
	}
	return NULL;
}

/*
 * Whether a page said that the list goes on right at this rank.
 */
static bool
announced_by_page(const KeyapiListingPages *listing_pages, int64 rank)
{
	ListCell   *lc;

	foreach(lc, listing_pages->pages)
	{
		const KeyapiPage *page = lfirst(lc);

		if (page->end_rank == rank)
			return page->more;
	}
	return false;
}

bool
keyapi_listing_ends_before(const KeyapiListingPages *listing_pages, int64 rank)
{
	if (rank >= listing_pages->end_rank)
		return true;
	return listing_pages->total_count >= 0 && rank > listing_pages->total_count &&
		!announced_by_page(listing_pages, rank);
}

/*
 * Enter the page's ids.  True if at least one item is new: its id is unknown,
 * or known only from higher ranks.  An item without an id counts as new.
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
			if (o->rank < page->first_rank)
				is_new = false;
		}
		any_new |= is_new;
		if (entry->first != NULL && entry->first->page == page)
			continue;
		occurrence = palloc(sizeof(Occurrence));
		occurrence->page = page;
		occurrence->rank = page->first_rank + i;
		occurrence->next = entry->first;
		entry->first = occurrence;
	}
	return any_new;
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

/*
 * Whether the list goes on after a page that has items, by what it says:
 * has_more decides, else the total, else a full page.
 */
static bool
says_more(const KeyapiDecoded *data, int64 first_rank, int limit)
{
	if (data->has_more >= 0)
		return data->has_more == 1;
	if (data->total_count >= 0)
		return first_rank + data->nitems <= data->total_count;
	return data->nitems >= limit;
}

bool
keyapi_listing_page_is_last(const KeyapiListing *listing, const KeyapiPage *page)
{
	int			limit = page->data.limit > 0 ? page->data.limit :
	listing->page_size;

	return page->data.nitems == 0 ||
		!says_more(&page->data, (int64) (page->number - 1) * limit + 1, limit);
}

static void
end_list(KeyapiListingPages *listing_pages, int64 end_rank)
{
	listing_pages->end_rank = Min(listing_pages->end_rank, end_rank);
}

/*
 * Warn that the list has ended although it announced items at or after this
 * rank.
 */
static void
check_announced(const KeyapiListingPages *listing_pages, int64 rank,
				const char *reason)
{
	if (rank <= listing_pages->total_count)
		ereport(WARNING,
				(errmsg("list %s ended early: got " INT64_FORMAT " of " INT64_FORMAT " announced %s",
						keyapi_listing_key(&listing_pages->listing),
						listing_pages->end_rank - 1, listing_pages->total_count,
						listing_pages->listing.endpoint->items),
				 errdetail("%s", reason)));
}

static int
compare_pages(const ListCell *a, const ListCell *b)
{
	int64		ra = ((const KeyapiPage *) lfirst(a))->first_rank;
	int64		rb = ((const KeyapiPage *) lfirst(b))->first_rank;

	return (ra > rb) - (ra < rb);
}

void
keyapi_listing_add_page(KeyapiListingPages *listing_pages, KeyapiPage *page)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(listing_pages->context);
	bool		overlaps;
	bool		any_new;

	/* a larger page than was asked for counts only when it is seen */
	if (page->data.limit > 0 && page->data.limit <= listing_pages->listing.page_size)
		listing_pages->limit = page->data.limit;
	listing_pages->limit = Max(listing_pages->limit, page->data.nitems);
	if (page->data.total_count >= 0)
		listing_pages->total_count = page->data.total_count;

	page->first_rank = (int64) (page->number - 1) * listing_pages->limit + 1;
	page->end_rank = page->first_rank + listing_pages->limit;
	page->pass = 0;

	/* after a change of limit a page may repeat ranks that are known */
	overlaps = keyapi_listing_page_at(listing_pages, page->first_rank) != NULL;

	any_new = enter_ids(listing_pages, page);
	check_echo(listing_pages, page);
	page->more = any_new && says_more(&page->data, page->first_rank, listing_pages->limit);
	if (!any_new && !overlaps)
	{
		/* whatever it announces */
		end_list(listing_pages, page->first_rank);
		check_announced(listing_pages, page->first_rank,
						psprintf("The API announced more %s, but its next page brought no new one.",
								 listing_pages->listing.endpoint->items));
	}
	else if (!page->more && !overlaps)
	{
		/* if only the last page is short of some, no page is missing */
		end_list(listing_pages, page->first_rank + page->data.nitems);
		check_announced(listing_pages, page->end_rank,
						"The API announced more pages, but said that there is none.");
	}

	listing_pages->pages = lappend(listing_pages->pages, page);
	list_sort(listing_pages->pages, compare_pages);
	MemoryContextSwitchTo(oldcontext);
}

bool
keyapi_listing_is_duplicate(const KeyapiListingPages *listing_pages,
							const KeyapiItem *item, int64 rank, int64 pass)
{
	IdEntry    *entry;

	if (item->id == NULL)
		return false;
	entry = idtable_lookup(listing_pages->ids, item->id);
	for (Occurrence *o = entry->first; o != NULL; o = o->next)
	{
		if (o->rank < rank && o->page->pass == pass)
			return true;
	}
	return false;
}
