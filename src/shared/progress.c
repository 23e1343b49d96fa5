/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  How far the running scans of all sessions are.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/progress.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/wait_event.h"

/* Scans that a session can report on at a time; more are not shown. */
#define SCANS_PER_PROCESS 8

typedef struct Scan
{
	int			pid;			/* of the process that reports; 0: free */
	Oid			database;
	Oid			role;
	Oid			relid;
	KeyapiProgress progress;
} Scan;

/*
 * Each process writes to its own scans only, so writers take the lock shared:
 * they do not disturb each other.  A reader takes it exclusively.
 */
typedef struct ProgressPart
{
	LWLock		lock;
	Scan		scans[FLEXIBLE_ARRAY_MEMBER];	/* by process number */
} ProgressPart;

struct KeyapiProgressReport
{
	MemoryContextCallback on_delete;
	Scan	   *scan;			/* NULL: there was no place for it */
};

static const struct
{
	const char *name;
	const char *event;
}			waits[KEYAPI_NUM_WAITS] = {
	[KEYAPI_WAIT_NONE] = {NULL, "KeyapiRequest"},
	[KEYAPI_WAIT_REQUEST] = {"request", "KeyapiRequest"},
	[KEYAPI_WAIT_RETRY] = {"retry", "KeyapiRetry"},
	[KEYAPI_WAIT_RATE_LIMIT] = {"rate limit", "KeyapiRateLimit"},
	[KEYAPI_WAIT_OUTAGE] = {"outage", "KeyapiOutage"},
	[KEYAPI_WAIT_PACING] = {"pacing", "KeyapiPacing"},
	[KEYAPI_WAIT_SESSION] = {"other session", "KeyapiOtherSession"},
};

static Size
part_size(int nprocs)
{
	return add_size(offsetof(ProgressPart, scans),
					mul_size(sizeof(Scan) * SCANS_PER_PROCESS, nprocs));
}

const KeyapiSharedPart keyapi_progress_part = {
	.lock_name = "KeyapiProgress",
	.size = part_size,
};

static ProgressPart *
progress_part(void)
{
	return keyapi_shared_part(&keyapi_progress_part);
}

static void
end(void *arg)
{
	KeyapiProgressReport *report = arg;

	if (report->scan != NULL)
		report->scan->pid = 0;
}

KeyapiProgressReport *
keyapi_progress_begin(Oid relid)
{
	ProgressPart *part = progress_part();
	KeyapiProgressReport *report = palloc0(sizeof(KeyapiProgressReport));
	int			first = keyapi_shared_procno() * SCANS_PER_PROCESS;

	LWLockAcquire(&part->lock, LW_SHARED);
	for (int i = first; i < first + SCANS_PER_PROCESS; i++)
	{
		/* what another process left here ended with that process */
		if (part->scans[i].pid == MyProcPid)
			continue;
		part->scans[i] = (Scan)
		{
			MyProcPid, MyDatabaseId, GetUserId(), relid,
			{
				.lists_total = -1,.pages_total = -1
			}
		};
		report->scan = &part->scans[i];
		break;
	}
	LWLockRelease(&part->lock);

	report->on_delete.func = end;
	report->on_delete.arg = report;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &report->on_delete);
	return report;
}

void
keyapi_progress_report(KeyapiProgressReport *report,
					   const KeyapiProgress *progress)
{
	ProgressPart *part = progress_part();

	if (report->scan == NULL)
		return;
	LWLockAcquire(&part->lock, LW_SHARED);
	report->scan->progress = *progress;
	LWLockRelease(&part->lock);
}

KeyapiProgressInfo *
keyapi_progress_list(int *n)
{
	ProgressPart *part = progress_part();
	int			max = keyapi_shared_nprocs() * SCANS_PER_PROCESS;
	KeyapiProgressInfo *list = palloc(sizeof(KeyapiProgressInfo) * max);

	*n = 0;
	if (!keyapi_shared_by_all())
		return list;
	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	for (int i = 0; i < max; i++)
	{
		const Scan *scan = &part->scans[i];

		if (scan->pid == 0 || scan->database != MyDatabaseId ||
			!keyapi_shared_alive(i / SCANS_PER_PROCESS, scan->pid))
			continue;
		list[(*n)++] = (KeyapiProgressInfo)
		{
			scan->pid, scan->role, scan->relid, scan->progress
		};
	}
	LWLockRelease(&part->lock);
	return list;
}

const char *
keyapi_wait_name(KeyapiWait wait)
{
	return waits[wait].name;
}

uint32
keyapi_wait_event(KeyapiWait wait)
{
	static uint32 events[KEYAPI_NUM_WAITS];

	/* a name is looked up under a lock, and may be new to all */
	if (events[wait] == 0)
		events[wait] = keyapi_new_wait_event(waits[wait].event);
	return events[wait];
}
