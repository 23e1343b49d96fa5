/*-------------------------------------------------------------------------
 *
 * stats.c
 *	  What was asked of the API and what it cost: counting, showing, and keeping
 *	  it over a restart.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/stats.h"

#include <unistd.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "utils/syscache.h"

/*
 * Most entries there are.  When all are taken, the one that was not used for the
 * longest time makes way: see make_room.
 */
#define MAX_ENTRIES 1024

#define FILE_NAME PGSTAT_STAT_PERMANENT_DIRECTORY "/keyapi_fdw.stat"
#define TEMPORARY_NAME FILE_NAME ".tmp"

/* Changes with the layout of KeyapiStats. */
#define FILE_MAGIC 0x4b415002

typedef struct Entry
{
	uint64		last_used;		/* reading of StatsPart.uses; 0: free */
	KeyapiStats stats;
} Entry;

typedef struct StatsPart
{
	LWLock		lock;
	uint64		uses;
	Entry		entries[MAX_ENTRIES];
} StatsPart;

/* ---------------------------------------------------------------------
 * Counting
 * ---------------------------------------------------------------------
 */

static bool
is_of(const Entry *entry, Oid database, Oid server, Oid role)
{
	return entry->last_used != 0 &&
		entry->stats.database == database &&
		entry->stats.server == server &&
		entry->stats.role == role;
}

/*
 * Whether an entry has taken in others, and belongs to no server and role.
 */
static bool
is_folded(const KeyapiStats *stats)
{
	return !OidIsValid(stats->server);
}

/*
 * The entry of these, or NULL.
 */
static Entry *
find(StatsPart *part, Oid database, Oid server, Oid role)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		if (is_of(&part->entries[i], database, server, role))
			return &part->entries[i];
	}
	return NULL;
}

/*
 * A free entry, or NULL.
 */
static Entry *
find_free(StatsPart *part)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		if (part->entries[i].last_used == 0)
			return &part->entries[i];
	}
	return NULL;
}

/*
 * The entry that was not used for the longest time, of those that have not made
 * way yet; if all have, of those that belong to a database.
 */
static Entry *
find_oldest(StatsPart *part)
{
	Entry	   *oldest = NULL;

	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		Entry	   *entry = &part->entries[i];
		bool		folded = is_folded(&entry->stats);

		if (!OidIsValid(entry->stats.database))
			continue;
		if (oldest == NULL ||
			is_folded(&oldest->stats) > folded ||
			(is_folded(&oldest->stats) == folded &&
			 entry->last_used < oldest->last_used))
			oldest = entry;
	}
	return oldest;
}

static void
add_counts(KeyapiStats *stats, const int64 counts[KEYAPI_NUM_COUNTERS],
		   double http_time_ms)
{
	for (int i = 0; i < KEYAPI_NUM_COUNTERS; i++)
		stats->counts[i] += counts[i];
	stats->http_time_ms += http_time_ms;
}

/*
 * Add what an entry has counted to another one.
 */
static void
fold(const Entry *from, Entry *into)
{
	const KeyapiStats *stats = &from->stats;

	add_counts(&into->stats, stats->counts, stats->http_time_ms);
	if (stats->last_error_at > into->stats.last_error_at)
	{
		into->stats.last_error_at = stats->last_error_at;
		memcpy(into->stats.last_error, stats->last_error, KEYAPI_STATS_ERROR_LEN);
	}
}

/*
 * An entry that others can do without: what it has counted goes to the entry
 * without server and role of its database, so that sums stay right.  If not even
 * these fit, they go to one without a database.
 */
static Entry *
make_room(StatsPart *part)
{
	for (;;)
	{
		Entry	   *oldest = find_oldest(part);
		Oid			database = is_folded(&oldest->stats) ?
		InvalidOid : oldest->stats.database;
		Entry	   *folded = find(part, database, InvalidOid, InvalidOid);

		if (folded != NULL)
		{
			fold(oldest, folded);
			return oldest;
		}
		/* the first of its kind: it is that entry from now on */
		oldest->stats.database = database;
		oldest->stats.server = InvalidOid;
		oldest->stats.role = InvalidOid;
	}
}

static Entry *
find_or_add(StatsPart *part, Oid database, Oid server, Oid role)
{
	Entry	   *entry = find(part, database, server, role);

	if (entry != NULL)
		return entry;
	entry = find_free(part);
	if (entry == NULL)
		entry = make_room(part);
	memset(entry, 0, sizeof(Entry));
	entry->stats.database = database;
	entry->stats.server = server;
	entry->stats.role = role;
	return entry;
}

/*
 * Lock, and return the entry to count in.
 */
static KeyapiStats *
begin_count(StatsPart *part, Oid server)
{
	/* where it was the last time */
	static Entry *last = NULL;

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	if (last == NULL || !is_of(last, MyDatabaseId, server, GetUserId()))
		last = find_or_add(part, MyDatabaseId, server, GetUserId());
	last->last_used = ++part->uses;
	return &last->stats;
}

void
keyapi_stats_add(Oid server, const int64 counts[KEYAPI_NUM_COUNTERS],
				 double http_time_ms)
{
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);
	KeyapiStats *stats = begin_count(part, server);

	add_counts(stats, counts, http_time_ms);
	LWLockRelease(&part->lock);
}

void
keyapi_stats_error(Oid server, KeyapiCounter counter, const char *message)
{
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);
	int			len = pg_mbcliplen(message, strlen(message),
								   KEYAPI_STATS_ERROR_LEN - 1);
	KeyapiStats *stats = begin_count(part, server);

	stats->counts[counter]++;
	memcpy(stats->last_error, message, len);
	stats->last_error[len] = '\0';
	stats->last_error_at = GetCurrentTimestamp();
	LWLockRelease(&part->lock);
}

/* ---------------------------------------------------------------------
 * What is no longer there
 * ---------------------------------------------------------------------
 */

static bool
exists(int cache, Oid oid)
{
	return SearchSysCacheExists1(cache, ObjectIdGetDatum(oid));
}

static bool
is_dead(const KeyapiStats *stats)
{
	if (is_folded(stats))
		return OidIsValid(stats->database) && !exists(DATABASEOID, stats->database);
	if (!exists(AUTHOID, stats->role))
		return true;

	/* the servers of other databases are not to be seen here */
	return stats->database == MyDatabaseId ?
		!exists(FOREIGNSERVEROID, stats->server) :
		!exists(DATABASEOID, stats->database);
}

/*
 * Copy the entries, to look at them without the lock.
 */
static KeyapiStats *
copy_entries(StatsPart *part, int *n)
{
	KeyapiStats *list = palloc(sizeof(KeyapiStats) * MAX_ENTRIES);

	*n = 0;
	LWLockAcquire(&part->lock, LW_SHARED);
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		if (part->entries[i].last_used != 0)
			list[(*n)++] = part->entries[i].stats;
	}
	LWLockRelease(&part->lock);
	return list;
}

static void
forget_dead(StatsPart *part)
{
	int			n;
	KeyapiStats *list = copy_entries(part, &n);

	for (int i = 0; i < n; i++)
	{
		const KeyapiStats *stats = &list[i];
		Entry	   *entry;

		if (!is_dead(stats))
			continue;
		LWLockAcquire(&part->lock, LW_EXCLUSIVE);
		entry = find(part, stats->database, stats->server, stats->role);
		if (entry != NULL)
			memset(entry, 0, sizeof(Entry));
		LWLockRelease(&part->lock);
	}
	pfree(list);
}

void
keyapi_stats_open(Oid server)
{
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);
	bool		has_room;

	LWLockAcquire(&part->lock, LW_SHARED);
	has_room = find(part, MyDatabaseId, server, GetUserId()) != NULL ||
		find_free(part) != NULL;
	LWLockRelease(&part->lock);
	if (!has_room)
		forget_dead(part);
}

/* ---------------------------------------------------------------------
 * Showing and resetting
 * ---------------------------------------------------------------------
 */

void
keyapi_stats_reset(void)
{
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);

	forget_dead(part);
	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		Entry	   *entry = &part->entries[i];
		KeyapiStats *stats = &entry->stats;

		if (entry->last_used == 0 || stats->database != MyDatabaseId)
			continue;
		if (is_folded(stats))
		{
			memset(entry, 0, sizeof(Entry));
			continue;
		}
		*stats = (KeyapiStats)
		{
			.database = stats->database,
				.server = stats->server,
				.role = stats->role,
				.stats_reset = GetCurrentTimestamp(),
		};
	}
	LWLockRelease(&part->lock);
}

KeyapiStats *
keyapi_stats_list(int *n)
{
	int			all;
	KeyapiStats *list = copy_entries(keyapi_shared_part(&keyapi_stats_part), &all);

	*n = 0;
	for (int i = 0; i < all; i++)
	{
		Oid			database = list[i].database;

		if (database != MyDatabaseId && OidIsValid(database))
			continue;
		if (!is_dead(&list[i]))
			list[(*n)++] = list[i];
	}
	return list;
}

/* ---------------------------------------------------------------------
 * Keeping them over a restart
 *
 * The file is there only while the server is not, so that neither a crash nor
 * a base backup brings back an old bill.
 * ---------------------------------------------------------------------
 */

static bool
write_entries(const StatsPart *part, FILE *file)
{
	const int	header[] = {FILE_MAGIC, KEYAPI_PG_MAJOR, sizeof(KeyapiStats)};

	if (fwrite(header, sizeof(header), 1, file) != 1)
		return false;
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		if (part->entries[i].last_used != 0 &&
			fwrite(&part->entries[i].stats, sizeof(KeyapiStats), 1, file) != 1)
			return false;
	}
	return true;
}

/*
 * At the end of the postmaster.
 */
static void
save(int code, Datum part)
{
	FILE	   *file;
	bool		written;

	if (code != 0)
		return;
	file = AllocateFile(TEMPORARY_NAME, PG_BINARY_W);
	written = file != NULL &&
		write_entries((StatsPart *) DatumGetPointer(part), file);
	if (file != NULL && FreeFile(file) != 0)
		written = false;
	if (written)
		(void) durable_rename(TEMPORARY_NAME, FILE_NAME, LOG);
	else
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", TEMPORARY_NAME)));
		unlink(TEMPORARY_NAME);
	}
}

static bool
read_entries(StatsPart *part, FILE *file)
{
	int			header[3];

	if (fread(header, sizeof(header), 1, file) != 1 ||
		header[0] != FILE_MAGIC || header[1] != KEYAPI_PG_MAJOR ||
		header[2] != sizeof(KeyapiStats))
		return false;
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		Entry	   *entry = &part->entries[i];

		if (fread(&entry->stats, sizeof(KeyapiStats), 1, file) != 1)
			return feof(file) && !ferror(file);
		entry->stats.last_error[KEYAPI_STATS_ERROR_LEN - 1] = '\0';
		entry->last_used = ++part->uses;
	}
	return true;
}

/*
 * In the postmaster, when the memory is new: read what the last clean shutdown
 * has left into the part, and have the next one leave it.
 */
static void
load(void *part)
{
	FILE	   *file;

	on_shmem_exit(save, PointerGetDatum(part));

	file = AllocateFile(FILE_NAME, PG_BINARY_R);
	if (file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", FILE_NAME)));
		return;
	}
	if (!read_entries(part, file))
		ereport(LOG,
				(errmsg("ignoring invalid data in file \"%s\"", FILE_NAME)));
	FreeFile(file);
	unlink(FILE_NAME);
}

static Size
part_size(int nprocs)
{
	return sizeof(StatsPart);
}

const KeyapiSharedPart keyapi_stats_part = {
	.lock_name = "KeyapiStats",
	.size = part_size,
	.load = load,
};
