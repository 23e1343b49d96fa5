/*-------------------------------------------------------------------------
 *
 * stats.h
 *	  What was asked of the API and what it cost, per database, server and
 *	  role.  Not transactional: what was paid for stays counted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_STATS_H
#define KEYAPI_STATS_H

#include "compat.h"

#include "utils/timestamp.h"

#include "shared/shared_memory.h"

/* In the order of the columns of keyapi_fdw_stats. */
typedef enum KeyapiCounter
{
	KEYAPI_COUNT_REQUESTS,
	KEYAPI_COUNT_RETRIES,
	KEYAPI_COUNT_ERRORS_4XX,	/* other than 402 and 429 */
	KEYAPI_COUNT_ERRORS_402,
	KEYAPI_COUNT_ERRORS_429,
	KEYAPI_COUNT_ERRORS_5XX,
	KEYAPI_COUNT_ERRORS_NETWORK,
	KEYAPI_COUNT_ERRORS_RESPONSE,
	KEYAPI_COUNT_CACHED_PAGES,
	KEYAPI_COUNT_ROWS,
	KEYAPI_COUNT_BYTES,
	KEYAPI_COUNT_CREDITS,
	KEYAPI_COUNT_STALE_LISTS,
	KEYAPI_NUM_COUNTERS
} KeyapiCounter;

/* Longest error that is kept, in bytes. */
#define KEYAPI_STATS_ERROR_LEN 256

/*
 * Without server and role (InvalidOid) they are the sums of those that had to make
 * way; without a database too, of several databases.
 */
typedef struct KeyapiStats
{
	Oid			database;
	Oid			server;
	Oid			role;
	int64		counts[KEYAPI_NUM_COUNTERS];
	double		http_time_ms;
	char		last_error[KEYAPI_STATS_ERROR_LEN];
	TimestampTz last_error_at;	/* 0: never */
	TimestampTz stats_reset;	/* 0: never */
} KeyapiStats;

extern const KeyapiSharedPart keyapi_stats_part;

/*
 * Before the first count for the current database and role: if there is no room
 * for them, forget those of databases, servers and roles that are gone.  Else
 * others make way.
 */
extern void keyapi_stats_open(Oid server);

/*
 * Add counts for the current database and role, and the time that requests
 * took.
 */
extern void keyapi_stats_add(Oid server,
							 const int64 counts[KEYAPI_NUM_COUNTERS],
							 double http_time_ms);

/*
 * Count an error for the current database and role, and remember the beginning
 * of its message.
 */
extern void keyapi_stats_error(Oid server, KeyapiCounter counter,
							   const char *message);

/*
 * Set the counters of the current database to zero, and forget those of
 * databases, servers and roles that are gone.
 */
extern void keyapi_stats_reset(void);

/*
 * All entries of the current database whose server and role exist, and the one
 * without a database, palloc'd; and their number in *n.
 */
extern KeyapiStats *keyapi_stats_list(int *n);

#endif							/* KEYAPI_STATS_H */
