/*-------------------------------------------------------------------------
 *
 * statement_lists.c
 *	  The pages that a statement has read or paid for, list by list.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/statement_lists.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
#include "tcop/pquery.h"

/* Pages are kept in blocks of these many bytes, doubled from block to block. */
#define FIRST_BLOCK (32 * 1024)
#define LARGEST_BLOCK (512 * 1024)

/* A usual list, all columns and pages of it, in bytes. */
#define USUAL_LIST (512 * 1024)

struct KeyapiStatementList
{
	dlist_node	node;			/* in the statement's lists, until it is over */
	int			readers;		/* the statement, and queries that read it */
	MemoryContext context;		/* of all that follows */
	KeyapiCacheKey key;
	int			ttl_ms;
	bool		opened;			/* the cached listing was looked for */
	KeyapiCachedId id;			/* ... and is this one; or there is none */
	bool		reopened;		/* the cached listing was dropped once */
	int			complete_to;	/* the cached listing has all pages up to this
								 * one, the last; 0: not that we know */
	KeyapiSharedFailure *stale; /* why the list is an old state of it; or NULL */
	KeyapiListPage *pages;		/* what was read or paid for, in no order */
	int			num_pages;
	int			max_pages;
};

/*
 * Who reads a list: the scans of a query, whose memory context this is; or, with
 * NULL, any scan that the current statement begins.
 */
typedef struct ReaderKey
{
	MemoryContext query;
	KeyapiCacheKey key;			/* its texts are the list's */
} ReaderKey;

typedef struct Reader
{
	ReaderKey	id;
	KeyapiStatementList *list;
	uint32		hash;
	char		status;			/* simplehash's own */
} Reader;

static uint32
hash_reader(const ReaderKey *id)
{
	return hash_combine(keyapi_cache_key_hash(&id->key),
						hash_bytes((const unsigned char *) &id->query,
								   sizeof(id->query)));
}

static bool
same_reader(const ReaderKey *a, const ReaderKey *b)
{
	return a->query == b->query && keyapi_cache_key_equal(&a->key, &b->key);
}

#define SH_PREFIX readertable
#define SH_ELEMENT_TYPE Reader
#define SH_KEY_TYPE ReaderKey
#define SH_KEY id
#define SH_HASH_KEY(tb, key) hash_reader(&(key))
#define SH_EQUAL(tb, a, b) same_reader(&(a), &(b))
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static readertable_hash *readers = NULL;

/* A query's hold on a list; goes with the query's memory. */
typedef struct Reference
{
	MemoryContextCallback on_delete;
	MemoryContext query;
	KeyapiStatementList *list;
} Reference;

/* The lists of the current statement. */
static dlist_head lists = DLIST_STATIC_INIT(lists);
static TimestampTz statement = 0;

/*
 * Memory for a usual list, made once and reset after each use: to get it from the
 * system each time costs more than to copy the pages.
 */
static MemoryContext kept_context = NULL;
static bool kept_is_used = false;

/* ---------------------------------------------------------------------
 * Life and death
 * ---------------------------------------------------------------------
 */

/*
 * Memory for a list.  An AllocSet would malloc each page by itself.
 */
static MemoryContext
take_context(void)
{
	if (kept_is_used)
		return GenerationContextCreate(TopMemoryContext, "keyapi_fdw list",
									   ALLOCSET_SMALL_MINSIZE,
									   FIRST_BLOCK, LARGEST_BLOCK);
	if (kept_context == NULL)
		kept_context = GenerationContextCreate(TopMemoryContext, "keyapi_fdw first list",
											   USUAL_LIST, FIRST_BLOCK, LARGEST_BLOCK);
	kept_is_used = true;
	return kept_context;
}

static void
give_context(MemoryContext context)
{
	if (context != kept_context)
		MemoryContextDelete(context);
	else
	{
		MemoryContextReset(context);
		kept_is_used = false;
	}
}

/*
 * The list that a query reads, or the statement (NULL); or NULL.
 */
static KeyapiStatementList *
find_reader(MemoryContext query, const KeyapiCacheKey *key)
{
	const ReaderKey id = {query, *key};
	Reader	   *reader = readers == NULL ? NULL : readertable_lookup(readers, id);

	return reader == NULL ? NULL : reader->list;
}

static void
add_reader(MemoryContext query, KeyapiStatementList *list)
{
	const ReaderKey id = {query, list->key};
	bool		found;

	if (readers == NULL)
		readers = readertable_create(TopMemoryContext, 64, NULL);
	readertable_insert(readers, id, &found)->list = list;
}

/*
 * That query, or the statement, does not read the list any longer; the list goes
 * with its last reader.
 */
static void
remove_reader(MemoryContext query, KeyapiStatementList *list)
{
	const ReaderKey id = {query, list->key};

	(void) readertable_delete(readers, id);
	if (--list->readers == 0)
		give_context(list->context);
}

static void
end_statement(void)
{
	while (!dlist_is_empty(&lists))
	{
		dlist_node *node = dlist_pop_head_node(&lists);

		remove_reader(NULL, dlist_container(KeyapiStatementList, node, node));
	}
}

/*
 * A transaction that ends outside of every portal ends the statement too; one
 * inside is that of a procedure which goes on.
 */
static void
at_end_of_transaction(XactEvent event, void *arg)
{
	if (ActivePortal == NULL &&
		(event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		 event == XACT_EVENT_PREPARE))
		end_statement();
}

static void
begin_statement(void)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(at_end_of_transaction, NULL);
	registered = true;

	if (statement == GetCurrentStatementStartTimestamp())
		return;
	end_statement();
	statement = GetCurrentStatementStartTimestamp();
}

static void
release(void *arg)
{
	Reference  *reference = arg;

	remove_reader(reference->query, reference->list);
}

/*
 * The list that a scan of this query has, or one of this statement, or NULL.  The
 * query may be a cursor's, which outlives its statement.
 */
static KeyapiStatementList *
find(const KeyapiCacheKey *key)
{
	KeyapiStatementList *list = find_reader(CurrentMemoryContext, key);

	return list != NULL ? list : find_reader(NULL, key);
}

static KeyapiStatementList *
create(const KeyapiCacheKey *key, int ttl_ms)
{
	MemoryContext context = take_context();
	KeyapiStatementList *list = MemoryContextAllocZero(context,
													   sizeof(KeyapiStatementList));

	list->context = context;
	list->key = keyapi_cache_key_copy(key, context);
	list->ttl_ms = ttl_ms;
	add_reader(NULL, list);
	list->readers = 1;
	dlist_push_head(&lists, &list->node);
	return list;
}

/*
 * Let the current query read the list, which it does not yet.
 */
static void
refer_to(KeyapiStatementList *list)
{
	Reference  *reference = palloc0(sizeof(Reference));

	reference->query = CurrentMemoryContext;
	reference->list = list;
	add_reader(reference->query, list);
	list->readers++;
	reference->on_delete.func = release;
	reference->on_delete.arg = reference;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &reference->on_delete);
}

KeyapiStatementList *
keyapi_statement_list_open(const KeyapiCacheKey *key, int ttl_ms)
{
	KeyapiStatementList *list;

	begin_statement();
	list = find(key);
	if (list == NULL)
		list = create(key, ttl_ms);
	if (find_reader(CurrentMemoryContext, key) == NULL)
		refer_to(list);
	return list;
}

/* ---------------------------------------------------------------------
 * Pages
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

static const KeyapiListPage *
find_local(const KeyapiStatementList *list, int number)
{
	for (int i = 0; i < list->num_pages; i++)
	{
		if (list->pages[i].number == number)
			return &list->pages[i];
	}
	return NULL;
}

/*
 * Keep a page that is not there yet.  Its data must be in the list's context.
 * False if that is no block: memory that others can write may be damaged.
 */
static bool
add_local(KeyapiStatementList *list, int number, const KeyapiStoredPage *page)
{
	const KeyapiBlock *block = keyapi_block_open(page->data, page->len);

	if (block == NULL)
		return false;
	if (list->num_pages == list->max_pages)
	{
		int			max_pages = Max(32, list->max_pages * 2);
		KeyapiListPage *pages = MemoryContextAlloc(list->context,
												   sizeof(KeyapiListPage) * max_pages);

		/* what was handed out points into the old one, so that stays */
		if (list->num_pages > 0)
			memcpy(pages, list->pages,
				   sizeof(KeyapiListPage) * list->num_pages);
		list->pages = pages;
		list->max_pages = max_pages;
	}
	list->pages[list->num_pages++] = (KeyapiListPage)
	{
		number, page->last, page->fetched_at, block
	};
	return true;
}

/*
 * Copy a page from the cache, if it is there.
 */
static KeyapiLookup
look_up(KeyapiStatementList *list, int number)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(list->context);
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
static const KeyapiListPage *
find_cached(KeyapiStatementList *list, int number)
{
	open_cached(list);
	while (is_cached(list) &&
		   look_up(list, number) == KEYAPI_LOOKUP_GONE)
		reopen(list);
	return find_local(list, number);
}

const KeyapiListPage *
keyapi_statement_list_get(KeyapiStatementList *list, int number)
{
	const KeyapiListPage *page = find_local(list, number);

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
		const KeyapiListPage *page = &list->pages[i];

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
	KeyapiStatementList *list;
	KeyapiStatementList unopened = {.key = *key,.ttl_ms = ttl_ms};

	begin_statement();
	list = find(key);
	return keyapi_statement_list_is_free(list != NULL ? list : &unopened, number);
}

const KeyapiListPage *
keyapi_statement_list_put(KeyapiStatementList *list, int number,
						  const KeyapiStoredPage *page)
{
	/* others first: what is here may run out of memory */
	keyapi_cache_put(list->id, number, page);
	keyapi_statement_list_give_up(list, number, NULL);

	if (find_local(list, number) == NULL)
	{
		KeyapiStoredPage copy = *page;

		copy.data = memcpy(MemoryContextAlloc(list->context, page->len),
						   page->data, page->len);
		(void) add_local(list, number, &copy);
	}
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
		list->num_pages = 0;
		list->id = before;
		return false;
	}

	/* what it lacks will not come from elsewhere */
	list->id = KEYAPI_NO_CACHED_ID;
	*fetched_at = listing.fetched_at;
	return true;
}
