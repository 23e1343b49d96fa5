/*-------------------------------------------------------------------------
 *
 * progress.h
 *	  How far the running scans of all sessions are, and what they wait for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PROGRESS_H
#define KEYAPI_PROGRESS_H

#include "compat.h"

#include "shared/shared_memory.h"

typedef enum KeyapiWait
{
	KEYAPI_WAIT_NONE,
	KEYAPI_WAIT_REQUEST,		/* the API's answer */
	KEYAPI_WAIT_RETRY,			/* the time of another try */
	KEYAPI_WAIT_RATE_LIMIT,		/* the end of the API's rate limit */
	KEYAPI_WAIT_OUTAGE,			/* the time when an API that is down is asked
								 * again, or the answer to that */
	KEYAPI_WAIT_PACING,			/* requests_per_second */
	KEYAPI_WAIT_SESSION,		/* another session that asks for the page */
	KEYAPI_NUM_WAITS
} KeyapiWait;

typedef struct KeyapiProgress
{
	int64		lists_done;
	int64		lists_total;	/* -1: unknown */
	int64		pages_done;
	int64		pages_total;	/* -1: unknown */
	int64		credits;
	KeyapiWait	waiting_for;
} KeyapiProgress;

/* What keyapi_fdw_progress shows of a scan. */
typedef struct KeyapiProgressInfo
{
	int			pid;
	Oid			role;
	Oid			relid;
	KeyapiProgress progress;
} KeyapiProgressInfo;

typedef struct KeyapiProgressReport KeyapiProgressReport;

extern const KeyapiSharedPart keyapi_progress_part;

/*
 * Begin to report on a scan of the foreign table relid, until
 * CurrentMemoryContext, in which the result is palloc'd, is reset or deleted.
 */
extern KeyapiProgressReport *keyapi_progress_begin(Oid relid);

/*
 * Say how far the scan is, and what it waits for.
 */
extern void keyapi_progress_report(KeyapiProgressReport *report,
								   const KeyapiProgress *progress);

/*
 * The running scans in the current database, palloc'd, and their number in *n;
 * none if memory is not shared.
 */
extern KeyapiProgressInfo *keyapi_progress_list(int *n);

/*
 * What keyapi_fdw_progress calls a wait; NULL for KEYAPI_WAIT_NONE.
 */
extern const char *keyapi_wait_name(KeyapiWait wait);

/*
 * What pg_stat_activity is to show during a wait.
 */
extern uint32 keyapi_wait_event(KeyapiWait wait);

#endif							/* KEYAPI_PROGRESS_H */
