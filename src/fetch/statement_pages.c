/*-------------------------------------------------------------------------
 *
 * statement_pages.c
 *	  The pages of a statement's lists: where they come from, and where they go.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/statement_lists.h"

#include "utils/memutils.h"

#include "fetch/statement_list_state.h"

/* Pages that there is room for at first */
#define FIRST_PAGES 8

/* ---------------------------------------------------------------------
 * Pages that the statement keeps
 * ---------------------------------------------------------------------
 */

/*
 * Whether other sessions see the pages.
 */
static bool
is_cached(const KeyapiStatementList *list)
{
	return list->id.number != 0;
}

static KeyapiListPage *
find_local(const KeyapiStatementList *list, int number)
{
	for (int i = 0; i < list->num_pages; i++)
	{
		if (list->pages[i]->number == number)
			return list->pages[i];
	}
	return NULL;
}

/*
 * Keep a page that is not there yet.  Its data must be in the memory of kept pages.
 * False if that is no block.
 */
static bool
add_local(KeyapiStatementList *list, int number, const KeyapiStoredPage *stored)
{
	KeyapiListPage *page;

	if (list->num_pages == list->max_pages)
	{
		int			max_pages = Max(FIRST_PAGES, list->max_pages * 2);
		Size		size = sizeof(KeyapiListPage *) * max_pages;

		list->pages = list->pages == NULL ?
			MemoryContextAlloc(list->context, size) :
			repalloc(list->pages, size);
		list->max_pages = max_pages;
	}
	page = MemoryContextAlloc(list->context, sizeof(KeyapiListPage));
	if (!keyapi_kept_page_add(&page->kept, stored->data, stored->len, list->file))
		return false;
	page->number = number;
	page->nrows = page->kept.block->nrows;
	page->last = stored->last;
	page->ends_list = page->nrows == 0 || page->kept.block->has_more == 0;
	page->fetched_at = stored->fetched_at;
	list->pages[list->num_pages++] = page;
	return true;
}

void
keyapi_statement_list_let_go(KeyapiStatementList *list)
{
	for (int i = 0; i < list->num_pages; i++)
	{
		keyapi_kept_page_free(&list->pages[i]->kept);
		pfree(list->pages[i]);
	}
	list->num_pages = 0;
}

bool
keyapi_statement_list_may_go(const KeyapiStatementList *list)
{
	/* the query, and the statement on behalf of later ones */
	return list->readers <= 2 && list->stale == NULL;
}

/* ---------------------------------------------------------------------
 * Finding pages
 * ---------------------------------------------------------------------
 */

/*
 * Copy a page from the cache, if it is there.
 */
static KeyapiLookup
look_up(KeyapiStatementList *list, int number)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(keyapi_kept_pages_context());
	KeyapiStoredPage page;
	KeyapiLookup lookup = keyapi_cache_get(list->id, number, &page);

	MemoryContextSwitchTo(oldcontext);
	if (lookup == KEYAPI_LOOKUP_FOUND && !add_local(list, number, &page))
		lookup = KEYAPI_LOOKUP_MISSING;
	return lookup;
}

/*
 * The cached listing was dropped.  The statements that still read it have to pay
 * for the missing pages anyway, so let them pay together, for a new one.  But only
 * once: it may have been dropped for lack of memory.
 */
static void
reopen(KeyapiStatementList *list)
{
	list->id = list->reopened ? KEYAPI_NO_CACHED_ID :
		keyapi_cache_open(&list->key, list->ttl_ms);
	list->reopened = true;
	list->complete_to = 0;
}

/*
 * Find the cached listing, or begin one.  Not before a page is needed: a statement
 * that is refused for its price leaves no trace in the cache.
 */
static void
open_cached(KeyapiStatementList *list)
{
	if (list->opened)
		return;
	list->id = keyapi_cache_open(&list->key, list->ttl_ms);
	list->opened = true;
	list->complete_to = 0;
}

/*
 * Find a page that is not kept yet in the cache; NULL if it is not there either.
 */
static KeyapiListPage *
find_cached(KeyapiStatementList *list, int number)
{
	open_cached(list);
	while (is_cached(list) &&
		   look_up(list, number) == KEYAPI_LOOKUP_GONE)
		reopen(list);
	return find_local(list, number);
}

KeyapiListPage *
keyapi_statement_list_get(KeyapiStatementList *list, int number)
{
	KeyapiListPage *page = find_local(list, number);

	return page != NULL ? page : find_cached(list, number);
}

bool
keyapi_statement_list_is_refused(const KeyapiStatementList *list, int number,
								 const KeyapiWaiter *waiter,
								 KeyapiSharedFailure *why)
{
	if (list->stale != NULL)
	{
		*why = *list->stale;
		return true;
	}
	return is_cached(list) &&
		keyapi_flight_is_refused(list->id.number, number, waiter, why);
}

KeyapiPageState
keyapi_statement_list_look(KeyapiStatementList *list, int number, TimestampTz until,
						   KeyapiWaiter *waiter, KeyapiFinding *finding)
{
	KeyapiFlightRole role;

	finding->page = keyapi_statement_list_get(list, number);
	if (finding->page != NULL)
		return KEYAPI_PAGE_HERE;
	if (list->stale != NULL)
	{
		finding->shared_failure = *list->stale;
		return KEYAPI_PAGE_REFUSED;
	}
	if (!is_cached(list))
		return KEYAPI_PAGE_YOURS;	/* others cannot have it from here */

	role = keyapi_flight_lead(list->id.number, number, until, waiter,
							  &finding->shared_failure);
	if (role != KEYAPI_FLIGHT_LEADER)
		return role == KEYAPI_FLIGHT_WAITER ? KEYAPI_PAGE_AWAITED :
			KEYAPI_PAGE_REFUSED;

	/* the leader before may have brought it since */
	if (look_up(list, number) != KEYAPI_LOOKUP_FOUND)
		return KEYAPI_PAGE_YOURS;
	finding->page = find_local(list, number);
	keyapi_statement_list_give_up(list, number, NULL);
	return KEYAPI_PAGE_HERE;
}

/*
 * Whether the cache has a page; and the number of the list's last page, 0 if that
 * is not known.  Once a list is complete, that does not change.
 */
static bool
cache_has(KeyapiStatementList *list, int number, int *last_page)
{
	KeyapiCachedId id;
	bool		complete;
	bool		has;

	*last_page = list->complete_to;
	if (list->complete_to > 0)
		return number <= list->complete_to;
	id = list->opened ? list->id : keyapi_cache_find(&list->key, list->ttl_ms);
	has = keyapi_cache_has(id, number, last_page, &complete);
	list->complete_to = complete ? *last_page : 0;
	return has;
}

/*
 * Whether a page is there; and the number of the list's last page, 0 if that is
 * not known.
 */
static bool
has_page(KeyapiStatementList *list, int number, int *last_page)
{
	bool		has = cache_has(list, number, last_page);

	for (int i = 0; i < list->num_pages; i++)
	{
		const KeyapiListPage *page = list->pages[i];

		has |= page->number == number;
		if (page->last && (*last_page == 0 || page->number < *last_page))
			*last_page = page->number;
	}
	return has;
}

int
keyapi_statement_list_existing(KeyapiStatementList *list, int number)
{
	int			last_page;

	(void) has_page(list, number, &last_page);
	return last_page == 0 ? number : Min(number, last_page);
}

bool
keyapi_statement_list_is_free(KeyapiStatementList *list, int number)
{
	int			last_page;

	return has_page(list, number, &last_page) ||
		(last_page != 0 && number > last_page);
}

bool
keyapi_statement_list_would_be_free(const KeyapiCacheKey *key, int ttl_ms, int number)
{
	KeyapiStatementList *list = keyapi_statement_list_find(key);
	KeyapiStatementList unopened = {.key = *key,.ttl_ms = ttl_ms};

	return keyapi_statement_list_is_free(list != NULL ? list : &unopened, number);
}

/* ---------------------------------------------------------------------
 * What became of a page
 * ---------------------------------------------------------------------
 */

KeyapiListPage *
keyapi_statement_list_put(KeyapiStatementList *list, int number,
						  const KeyapiStoredPage *page)
{
	/* others first: what is here may run out of memory */
	keyapi_cache_put(list->id, number, page);
	keyapi_statement_list_give_up(list, number, NULL);

	if (find_local(list, number) == NULL)
		(void) add_local(list, number, page);
	else
		pfree(unconstify(void *, page->data));
	return find_local(list, number);
}

void
keyapi_statement_list_retry(KeyapiStatementList *list, int number,
							TimestampTz until)
{
	if (is_cached(list))
		keyapi_flight_extend(list->id.number, number, until);
}

void
keyapi_statement_list_give_up(KeyapiStatementList *list, int number,
							  const KeyapiSharedFailure *why)
{
	if (!is_cached(list))
		return;					/* nobody waits */
	if (why == NULL)
		keyapi_flight_end(list->id.number, number);
	else
		keyapi_flight_fail(list->id.number, number, why);
}

/*
 * Copy a cached listing, at once.  False if it was dropped from the cache.
 */
static bool
copy_listing(KeyapiStatementList *list, const KeyapiStaleListing *listing)
{
	list->id = listing->id;
	for (int number = 1; number <= listing->highest_page; number++)
	{
		if (look_up(list, number) == KEYAPI_LOOKUP_GONE)
			return false;
	}
	return true;
}

bool
keyapi_statement_list_fall_back(KeyapiStatementList *list, int number,
								int max_age_ms, const KeyapiSharedFailure *why,
								TimestampTz *fetched_at)
{
	KeyapiCachedId before = list->id;
	KeyapiStaleListing listing;

	if (list->num_pages > 0 ||
		!keyapi_cache_find_stale(&list->key, max_age_ms, number, &listing))
		return false;
	list->complete_to = 0;
	list->stale = MemoryContextAlloc(list->context, sizeof(KeyapiSharedFailure));
	*list->stale = *why;
	if (!copy_listing(list, &listing))
	{
		list->stale = NULL;
		keyapi_statement_list_let_go(list);
		list->id = before;
		return false;
	}

	/* what it lacks will not come from elsewhere */
	list->id = KEYAPI_NO_CACHED_ID;
	*fetched_at = listing.fetched_at;
	return true;
}
