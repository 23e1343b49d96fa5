/*-------------------------------------------------------------------------
 *
 * statement_lists.c
 *	  The lists that a statement reads: found by hash, kept while somebody reads
 *	  them.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/statement_lists.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"

#include "fetch/statement_list_state.h"

/* More readers than this are worth giving back the memory of their table. */
#define MANY_READERS 1024

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
static KeyapiSpillFile *statement_file = NULL;

/* ---------------------------------------------------------------------
 * Life and death
 * ---------------------------------------------------------------------
 */

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
	if (readers->members == 0 && readers->size > MANY_READERS)
	{
		readertable_destroy(readers);
		readers = NULL;
	}
	if (--list->readers > 0)
		return;
	keyapi_statement_list_let_go(list);
	keyapi_spill_file_release(list->file);
	MemoryContextDelete(list->context);
}

static void
end_statement(void)
{
	while (!dlist_is_empty(&lists))
	{
		dlist_node *node = dlist_pop_head_node(&lists);

		remove_reader(NULL, dlist_container(KeyapiStatementList, node, node));
	}
	if (statement_file != NULL)
		keyapi_spill_file_release(statement_file);
	statement_file = NULL;
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
 * The query may be a cursor's, which outlives its statement.
 */
KeyapiStatementList *
keyapi_statement_list_find(const KeyapiCacheKey *key)
{
	KeyapiStatementList *list;

	begin_statement();
	list = find_reader(CurrentMemoryContext, key);
	return list != NULL ? list : find_reader(NULL, key);
}

static KeyapiStatementList *
create(const KeyapiCacheKey *key, int ttl_ms)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "keyapi_fdw list",
												  ALLOCSET_SMALL_SIZES);
	KeyapiStatementList *list = MemoryContextAllocZero(context,
													   sizeof(KeyapiStatementList));

	if (statement_file == NULL)
		statement_file = keyapi_spill_file_create();
	list->file = keyapi_spill_file_use(statement_file);
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
	KeyapiStatementList *list = keyapi_statement_list_find(key);

	if (list == NULL)
		list = create(key, ttl_ms);
	if (find_reader(CurrentMemoryContext, key) == NULL)
		refer_to(list);
	return list;
}
