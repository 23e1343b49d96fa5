/*-------------------------------------------------------------------------
 *
 * listing_pages.c
 *	  Arithmetic of pages, stop rule and ids of one list.
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
	KeyapiListingPages *state = palloc0(sizeof(KeyapiListingPages));

	state->listing = *listing;
	for (int i = 0; i < listing->endpoint->nparams; i++)
		state->listing.values[i] = pstrdup(listing->values[i]);
	state->context = CurrentMemoryContext;
	state->limit = listing->page_size;
	state->end_rank = PG_INT64_MAX;
	state->total_count = -1;
	state->last_page = INT_MAX;
	state->ids = idtable_create(CurrentMemoryContext, 64, NULL);
	return state;
}

int
keyapi_listing_page_number(const KeyapiListingPages *state, int64 rank)
{
	return (int) ((rank - 1) / state->limit) + 1;
}

KeyapiPage *
keyapi_listing_page_at(const KeyapiListingPages *state, int64 rank)
{
	ListCell   *lc;

	foreach(lc, state->pages)
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
announced_by_page(const KeyapiListingPages *state, int64 rank)
{
	ListCell   *lc;

	foreach(lc, state->pages)
	{
		const KeyapiPage *page = lfirst(lc);

		if (page->end_rank == rank)
			return page->more;
	}
	return false;
}

bool
keyapi_listing_ends_before(const KeyapiListingPages *state, int64 rank)
{
	if (rank >= state->end_rank)
		return true;
	return state->total_count >= 0 && rank > state->total_count &&
		!announced_by_page(state, rank);
}

/*
 * Enter the page's ids.  True if at least one item is new: its id is unknown,
 * or known only from higher ranks.  An item without an id counts as new.
 */
static bool
enter_ids(KeyapiListingPages *state, const KeyapiPage *page)
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
		entry = idtable_insert(state->ids, id, &found);
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
check_echo(KeyapiListingPages *state, const KeyapiPage *page)
{
	const KeyapiEndpoint *endpoint = state->listing.endpoint;
	const char *asked;

	if (endpoint->echo_param == NULL || state->echo_matched ||
		page->data.nitems == 0)
		return;
	asked = state->listing.values[keyapi_endpoint_param(endpoint,
														endpoint->echo_param)];
	asked = pg_server_to_any(asked, strlen(asked), PG_UTF8);
	for (int i = 0; i < page->data.nitems; i++)
	{
		const char *echo = page->data.items[i].echo;

		if (echo == NULL)
			continue;
		state->echo_seen = true;
		if (pg_strcasecmp(echo, asked) == 0)
			state->echo_matched = true;
		else
			state->other_echo = echo;
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
end_list(KeyapiListingPages *state, int64 end_rank)
{
	state->end_rank = Min(state->end_rank, end_rank);
}

/*
 * Warn that the list has ended although it announced items at or after this
 * rank.
 */
static void
check_announced(const KeyapiListingPages *state, int64 rank, const char *reason)
{
	if (rank <= state->total_count)
		ereport(WARNING,
				(errmsg("list %s ended early: got " INT64_FORMAT " of " INT64_FORMAT " announced %s",
						keyapi_listing_key(&state->listing), state->end_rank - 1,
						state->total_count, state->listing.endpoint->items),
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
keyapi_listing_add_page(KeyapiListingPages *state, KeyapiPage *page)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(state->context);
	bool		overlaps;
	bool		any_new;

	/* more than was asked for is believed when it is seen */
	if (page->data.limit > 0 && page->data.limit <= state->listing.page_size)
		state->limit = page->data.limit;
	state->limit = Max(state->limit, page->data.nitems);
	if (page->data.total_count >= 0)
		state->total_count = page->data.total_count;

	page->first_rank = (int64) (page->number - 1) * state->limit + 1;
	page->end_rank = page->first_rank + state->limit;
	page->pass = 0;

	/* after a change of limit a page may repeat ranks that are known */
	overlaps = keyapi_listing_page_at(state, page->first_rank) != NULL;

	any_new = enter_ids(state, page);
	check_echo(state, page);
	page->more = any_new && says_more(&page->data, page->first_rank, state->limit);
	if (!any_new && !overlaps)
	{
		/* whatever it announces */
		end_list(state, page->first_rank);
		check_announced(state, page->first_rank,
						psprintf("The API announced more %s, but its next page brought no new one.",
								 state->listing.endpoint->items));
	}
	else if (!page->more && !overlaps)
	{
		/* some less than announced on the last page are nothing to ask for */
		end_list(state, page->first_rank + page->data.nitems);
		check_announced(state, page->end_rank,
						"The API announced more pages, but said that there is none.");
	}

	state->pages = lappend(state->pages, page);
	list_sort(state->pages, compare_pages);
	MemoryContextSwitchTo(oldcontext);
}

bool
keyapi_listing_is_duplicate(const KeyapiListingPages *state,
							const KeyapiItem *item, int64 rank, int64 pass)
{
	IdEntry    *entry;

	if (item->id == NULL)
		return false;
	entry = idtable_lookup(state->ids, item->id);
	for (Occurrence *o = entry->first; o != NULL; o = o->next)
	{
		if (o->rank < rank && o->page->pass == pass)
			return true;
	}
	return false;
}
