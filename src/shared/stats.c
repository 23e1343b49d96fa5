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

/*
 * Most entries there are.  When all are taken, the one that was not used for the
 * longest time makes way.
 */
#define MAX_ENTRIES 1024

#define FILE_NAME PGSTAT_STAT_PERMANENT_DIRECTORY "/keyapi_fdw.stat"
#define TEMPORARY_NAME FILE_NAME ".tmp"

/* Changes with the layout of KeyapiStats. */
#define FILE_MAGIC 0x4b415001

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

static Entry *
find(StatsPart *part, Oid database, Oid server, Oid role)
{
	Entry	   *oldest = &part->entries[0];

	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		Entry	   *entry = &part->entries[i];

		if (is_of(entry, database, server, role))
			return entry;
		if (entry->last_used < oldest->last_used)
			oldest = entry;
	}
	memset(oldest, 0, sizeof(Entry));
	oldest->stats.database = database;
	oldest->stats.server = server;
	oldest->stats.role = role;
	return oldest;
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
		last = find(part, MyDatabaseId, server, GetUserId());
	last->last_used = ++part->uses;
	return &last->stats;
}

void
keyapi_stats_add(Oid server, const int64 counts[KEYAPI_NUM_COUNTERS],
				 double http_time_ms)
{
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);
	KeyapiStats *stats = begin_count(part, server);

	for (int i = 0; i < KEYAPI_NUM_COUNTERS; i++)
		stats->counts[i] += counts[i];
	stats->http_time_ms += http_time_ms;
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
 * Showing and resetting
 * ---------------------------------------------------------------------
 */

void
keyapi_stats_reset(void)
{
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		KeyapiStats *stats = &part->entries[i].stats;

		if (part->entries[i].last_used == 0 || stats->database != MyDatabaseId)
			continue;
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
	StatsPart  *part = keyapi_shared_part(&keyapi_stats_part);
	KeyapiStats *list = palloc(sizeof(KeyapiStats) * MAX_ENTRIES);

	*n = 0;
	LWLockAcquire(&part->lock, LW_SHARED);
	for (int i = 0; i < MAX_ENTRIES; i++)
	{
		const Entry *entry = &part->entries[i];

		if (entry->last_used != 0 && entry->stats.database == MyDatabaseId)
			list[(*n)++] = entry->stats;
	}
	LWLockRelease(&part->lock);
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
