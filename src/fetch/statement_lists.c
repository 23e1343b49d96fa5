/*-------------------------------------------------------------------------
 *
 * statement_lists.c
 *	  The one state of a list that a statement sees.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/statement_lists.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
#include "tcop/pquery.h"

/* Pages are kept in blocks of this many bytes, a list's last in the largest. */
#define FIRST_BLOCK (32 * 1024)
#define LARGEST_BLOCK (256 * 1024)

typedef struct LocalPage
{
	int			number;
	KeyapiBody	body;
} LocalPage;

struct KeyapiSnapshot
{
	dlist_node	node;			/* in the statement's list, */
	bool		listed;			/* ... unless the statement is over */
	int			references;		/* scans that read it */
	MemoryContext context;		/* of all that follows */
	KeyapiCacheKey key;
	int			ttl;			/* ms */
	KeyapiSnapshotId id;		/* in the cache; of none if not there */
	bool		reopened;		/* the one in the cache was dropped once */
	LocalPage  *pages;			/* what was read or paid for, in no order */
	int			num_pages;
	int			max_pages;
};

/* A scan's hold on a snapshot; goes with the scan's memory. */
typedef struct Reference
{
	MemoryContextCallback on_delete;
	dlist_node	node;			/* among all references */
	MemoryContext query;		/* the same for all scans of a query */
	KeyapiSnapshot *snapshot;
} Reference;

static dlist_head references = DLIST_STATIC_INIT(references);

/* The snapshots of the current statement. */
static dlist_head snapshots = DLIST_STATIC_INIT(snapshots);
static TimestampTz statement = 0;

/* ---------------------------------------------------------------------
 * Life and death
 * ---------------------------------------------------------------------
 */

static void
forget_unused(KeyapiSnapshot *snapshot)
{
	if (snapshot->references == 0 && !snapshot->listed)
		MemoryContextDelete(snapshot->context);
}

static void
end_statement(void)
{
	while (!dlist_is_empty(&snapshots))
	{
		dlist_node *node = dlist_pop_head_node(&snapshots);
		KeyapiSnapshot *snapshot = dlist_container(KeyapiSnapshot, node, node);

		snapshot->listed = false;
		forget_unused(snapshot);
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

	dlist_delete(&reference->node);
	reference->snapshot->references--;
	forget_unused(reference->snapshot);
}

static bool
is_of(const KeyapiSnapshot *snapshot, const KeyapiCacheKey *key)
{
	return memcmp(&snapshot->key.account, &key->account,
				  sizeof(KeyapiAccountId)) == 0 &&
		strcmp(snapshot->key.list, key->list) == 0;
}

/*
 * A snapshot that a scan of this query has, or one of this statement's, or
 * NULL.  The query may be a cursor's, which outlives its statement.
 */
static KeyapiSnapshot *
find(const KeyapiCacheKey *key)
{
	dlist_iter	iter;

	dlist_foreach(iter, &references)
	{
		Reference  *reference = dlist_container(Reference, node, iter.cur);

		if (reference->query == CurrentMemoryContext &&
			is_of(reference->snapshot, key))
			return reference->snapshot;
	}
	dlist_foreach(iter, &snapshots)
	{
		KeyapiSnapshot *snapshot = dlist_container(KeyapiSnapshot, node, iter.cur);

		if (is_of(snapshot, key))
			return snapshot;
	}
	return NULL;
}

static KeyapiSnapshot *
create(const KeyapiCacheKey *key, int ttl)
{
	KeyapiSnapshotId id = keyapi_cache_open(key, ttl);

	/* an AllocSet would malloc each body for itself */
	MemoryContext context = GenerationContextCreate(TopMemoryContext,
													"keyapi_fdw snapshot",
													ALLOCSET_SMALL_MINSIZE,
													FIRST_BLOCK, LARGEST_BLOCK);
	KeyapiSnapshot *snapshot = MemoryContextAllocZero(context,
													  sizeof(KeyapiSnapshot));

	snapshot->context = context;
	snapshot->key.account = key->account;
	snapshot->key.list = MemoryContextStrdup(context, key->list);
	snapshot->ttl = ttl;
	snapshot->id = id;
	snapshot->listed = true;
	dlist_push_head(&snapshots, &snapshot->node);
	return snapshot;
}

KeyapiSnapshot *
keyapi_snapshot_open(const KeyapiCacheKey *key, int ttl)
{
	Reference  *reference = palloc0(sizeof(Reference));
	KeyapiSnapshot *snapshot;

	begin_statement();
	snapshot = find(key);
	if (snapshot == NULL)
		snapshot = create(key, ttl);

	snapshot->references++;
	reference->snapshot = snapshot;
	reference->query = CurrentMemoryContext;
	dlist_push_head(&references, &reference->node);
	reference->on_delete.func = release;
	reference->on_delete.arg = reference;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &reference->on_delete);
	return snapshot;
}

/* ---------------------------------------------------------------------
 * Pages
 * ---------------------------------------------------------------------
 */

static const KeyapiBody *
find_local(const KeyapiSnapshot *snapshot, int number)
{
	for (int i = 0; i < snapshot->num_pages; i++)
	{
		if (snapshot->pages[i].number == number)
			return &snapshot->pages[i].body;
	}
	return NULL;
}

/*
 * Keep a page that is not there yet.  Its data must be in the snapshot's
 * context.
 */
static void
add_local(KeyapiSnapshot *snapshot, int number, const KeyapiBody *body)
{
	if (snapshot->num_pages == snapshot->max_pages)
	{
		int			max_pages = Max(32, snapshot->max_pages * 2);
		LocalPage  *pages = MemoryContextAlloc(snapshot->context,
											   sizeof(LocalPage) * max_pages);

		/* what was handed out points into the old one, so that stays */
		if (snapshot->num_pages > 0)
			memcpy(pages, snapshot->pages,
				   sizeof(LocalPage) * snapshot->num_pages);
		snapshot->pages = pages;
		snapshot->max_pages = max_pages;
	}
	snapshot->pages[snapshot->num_pages].number = number;
	snapshot->pages[snapshot->num_pages++].body = *body;
}

/*
 * Fetch a page from the cache, if it is there.
 */
static KeyapiLookup
look_up(KeyapiSnapshot *snapshot, int number)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(snapshot->context);
	KeyapiBody	body;
	KeyapiLookup lookup = keyapi_cache_get(snapshot->id, number, &body);

	MemoryContextSwitchTo(oldcontext);
	if (lookup == KEYAPI_LOOKUP_FOUND)
		add_local(snapshot, number, &body);
	return lookup;
}

/*
 * The snapshot was dropped from the cache.  Whoever still reads it has to pay
 * for what is missing anyway, so let all of them pay together, for a new one.
 * But only once: it may have been dropped for want of memory.
 */
static void
reopen(KeyapiSnapshot *snapshot)
{
	snapshot->id = snapshot->reopened ? KEYAPI_NO_SNAPSHOT :
		keyapi_cache_open(&snapshot->key, snapshot->ttl);
	snapshot->reopened = true;
}

static const KeyapiBody *
find_cached(KeyapiSnapshot *snapshot, int number)
{
	while (snapshot->id.number != 0 &&
		   look_up(snapshot, number) == KEYAPI_LOOKUP_GONE)
		reopen(snapshot);
	return find_local(snapshot, number);
}

const KeyapiBody *
keyapi_snapshot_get(KeyapiSnapshot *snapshot, int number)
{
	const KeyapiBody *body = find_local(snapshot, number);

	return body != NULL ? body : find_cached(snapshot, number);
}

KeyapiPageState
keyapi_snapshot_look(KeyapiSnapshot *snapshot, int number, TimestampTz until,
					 KeyapiWaiter *waiter, KeyapiFinding *finding)
{
	KeyapiFlightRole role;

	finding->body = keyapi_snapshot_get(snapshot, number);
	if (finding->body != NULL)
		return KEYAPI_PAGE_HERE;
	if (snapshot->id.number == 0)
		return KEYAPI_PAGE_YOURS;

	role = keyapi_flight_lead(snapshot->id.number, number, until, waiter,
							  &finding->verdict);
	if (role != KEYAPI_FLIGHT_LEADER)
		return role == KEYAPI_FLIGHT_WAITER ? KEYAPI_PAGE_AWAITED :
			KEYAPI_PAGE_REFUSED;

	/* who led before may have brought it since */
	if (look_up(snapshot, number) != KEYAPI_LOOKUP_FOUND)
		return KEYAPI_PAGE_YOURS;
	finding->body = find_local(snapshot, number);
	keyapi_snapshot_give_up(snapshot, number);
	return KEYAPI_PAGE_HERE;
}

/*
 * Whether a page is there; and the number of the list's last page, 0 if that is
 * not known.
 */
static bool
has_page(const KeyapiSnapshot *snapshot, int number, int *last_page)
{
	bool		has = keyapi_cache_has(snapshot->id, number, last_page);

	for (int i = 0; i < snapshot->num_pages; i++)
	{
		const LocalPage *page = &snapshot->pages[i];

		has |= page->number == number;
		if (page->body.last && (*last_page == 0 || page->number < *last_page))
			*last_page = page->number;
	}
	return has;
}

int
keyapi_snapshot_existing(const KeyapiSnapshot *snapshot, int number)
{
	int			last_page;

	(void) has_page(snapshot, number, &last_page);
	return last_page == 0 ? number : Min(number, last_page);
}

bool
keyapi_snapshot_spares(const KeyapiSnapshot *snapshot, int number)
{
	int			last_page;

	return has_page(snapshot, number, &last_page) ||
		(last_page != 0 && number > last_page);
}

void
keyapi_snapshot_begin_wait(const KeyapiSnapshot *snapshot, KeyapiWaiter *waiter)
{
	if (snapshot->id.number != 0)
		keyapi_flight_begin_wait(waiter);
}

void
keyapi_snapshot_extend(KeyapiSnapshot *snapshot, int number, TimestampTz until)
{
	if (snapshot->id.number != 0)
		keyapi_flight_extend(snapshot->id.number, number, until);
}

void
keyapi_snapshot_put(KeyapiSnapshot *snapshot, int number,
					const KeyapiBody *body)
{
	/* others first: what is here may run out of memory */
	keyapi_cache_put(snapshot->id, number, body);
	keyapi_snapshot_give_up(snapshot, number);

	if (find_local(snapshot, number) == NULL)
	{
		KeyapiBody	copy = *body;
		char	   *data = MemoryContextAlloc(snapshot->context, body->len);

		memcpy(data, body->data, body->len);
		copy.data = data;
		add_local(snapshot, number, &copy);
	}
}

void
keyapi_snapshot_give_up(KeyapiSnapshot *snapshot, int number)
{
	if (snapshot->id.number != 0)
		keyapi_flight_end(snapshot->id.number, number);
}

void
keyapi_snapshot_fail(KeyapiSnapshot *snapshot, int number,
					 const KeyapiVerdict *verdict)
{
	if (snapshot->id.number != 0)
		keyapi_flight_fail(snapshot->id.number, number, verdict);
}

bool
keyapi_snapshot_fall_back(KeyapiSnapshot *snapshot, int max_age,
						  TimestampTz *fetched_at)
{
	KeyapiSnapshotId before = snapshot->id;

	if (snapshot->num_pages > 0)
		return false;
	snapshot->id = keyapi_cache_find_stale(&snapshot->key, max_age, fetched_at);

	/* all of it at once, for it may be dropped from the cache at any time */
	for (int number = 1;
		 look_up(snapshot, number) == KEYAPI_LOOKUP_FOUND; number++)
	{
		if (find_local(snapshot, number)->last)
			return true;
	}
	snapshot->num_pages = 0;
	snapshot->id = before;
	return false;
}
