/*-------------------------------------------------------------------------
 *
 * account.c
 *	  Accounts at the API: the gate of each, and what it spent today.
 *
 * Accounts are entries of a hash table, which grows as there are more of them.
 * Each is protected by the lock of its partition of the table.  Whatever may map
 * or allocate memory is a function of its own, under keyapi_shared_attempt: so no
 * lock stays behind if it fails, and what cleans up after an error can lock the
 * account again.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/account.h"

#include "common/hmac.h"
#include "lib/dshash.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"

#include "shared/day.h"

/*
 * How many accounts there are when those are looked for that can be forgotten; or
 * twice as many as were left the last time.
 */
#define FIRST_SWEEP 256

typedef struct Account
{
	KeyapiAccountId id;			/* the table's key, so it stands first */
	char		endpoint[KEYAPI_ACCOUNT_ENDPOINT_LEN];
	KeyapiGate	gate;
	KeyapiDay	day;
	int64		used_at_us;		/* by keyapi_clock_us */
} Account;

typedef struct AccountPart
{
	LWLock		lock;			/* taken before that of a partition, to add
								 * and to remove accounts */
	dshash_table_handle table;	/* InvalidDsaPointer: not made yet */
	int			count;
	int			sweep_at;		/* that many make it worth to look for those
								 * that can be forgotten */
} AccountPart;

static Size
part_size(int nprocs)
{
	return sizeof(AccountPart);
}

const KeyapiSharedPart keyapi_account_part = {
	.lock_name = "KeyapiAccounts",
	.size = part_size,
};

KeyapiAccountId
keyapi_account_id(const char *base_url, const char *endpoint,
				  const char *proxy, const char *api_key)
{
	const char *const texts[] = {base_url, endpoint, proxy, api_key};
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	KeyapiAccountId id;
	bool		done;

	done = context != NULL &&
		pg_hmac_init(context, keyapi_shared_secret(), KEYAPI_SECRET_LEN) >= 0;
	for (int i = 0; done && i < lengthof(texts); i++)
	{
		/* with the NUL, so that the texts cannot run into each other */
		const char *text = texts[i] == NULL ? "" : texts[i];

		done = pg_hmac_update(context, (const uint8 *) text,
							  strlen(text) + 1) >= 0;
	}
	done = done && pg_hmac_final(context, id.digest, sizeof(id.digest)) >= 0;
	pg_hmac_free(context);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not compute the hash of an account")));
	return id;
}

/* ---------------------------------------------------------------------
 * The table
 *
 * What follows may fail: see keyapi_shared_attempt.
 * ---------------------------------------------------------------------
 */

static dshash_table *table = NULL;	/* NULL: not attached yet */
static Account *locked = NULL;	/* by keyapi_account_lock */

static AccountPart *
account_part(void)
{
	return keyapi_shared_part(&keyapi_account_part);
}

/*
 * Attach to the table, which the first process that comes here makes.
 */
static void
attach(void)
{
	AccountPart *part = account_part();
	dshash_parameters params = {
		.key_size = sizeof(KeyapiAccountId),
		.entry_size = sizeof(Account),
		.compare_function = dshash_memcmp,
		.hash_function = dshash_memhash,
		KEYAPI_DSHASH_COPY
		.tranche_id = part->lock.tranche,
	};
	MemoryContext oldcontext;

	if (table != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(TopMemoryContext);
	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	if (DsaPointerIsValid(part->table))
		table = dshash_attach(keyapi_shared_books(), &params, part->table, NULL);
	else
	{
		table = dshash_create(keyapi_shared_books(), &params, NULL);
		part->table = dshash_get_hash_table_handle(table);
		part->sweep_at = FIRST_SWEEP;
	}
	LWLockRelease(&part->lock);
	MemoryContextSwitchTo(oldcontext);
}

static bool
can_be_forgotten(const Account *account, int64 now_us)
{
	int64		until_us;

	return now_us - account->used_at_us >= USECS_PER_DAY &&
		keyapi_gate_paused(&account->gate, now_us, &until_us) == KEYAPI_PAUSE_NONE;
}

/*
 * Forget the accounts that can be.  The part must be locked.
 */
static void
sweep(AccountPart *part)
{
	int64		now_us = keyapi_clock_us();
	dshash_seq_status scan;
	Account    *account;

	dshash_seq_init(&scan, table, true);
	while ((account = dshash_seq_next(&scan)) != NULL)
	{
		if (!can_be_forgotten(account, now_us))
			continue;
		dshash_delete_current(&scan);
		part->count--;
	}
	dshash_seq_term(&scan);
	part->sweep_at = Max(2 * part->count, FIRST_SWEEP);
}

typedef struct Call
{
	const KeyapiAccountId *id;
	const char *endpoint;		/* to add it with */
	Account    *account;		/* result, locked; NULL: unknown */
} Call;

static void
find(void *arg)
{
	Call	   *call = arg;

	attach();
	call->account = dshash_find(table, call->id, true);
}

static void
find_or_add(void *arg)
{
	Call	   *call = arg;
	AccountPart *part = account_part();
	bool		found;

	attach();
	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	if (part->count >= part->sweep_at)
		sweep(part);
	call->account = dshash_find_or_insert(table, call->id, &found);
	if (!found)
	{
		*call->account = (Account)
		{
			.id = *call->id,
				.used_at_us = keyapi_clock_us(),
		};
		strlcpy(call->account->endpoint, call->endpoint,
				KEYAPI_ACCOUNT_ENDPOINT_LEN);
		part->count++;
	}
	LWLockRelease(&part->lock);
}

static void
sweep_all(void *arg)
{
	AccountPart *part = account_part();

	attach();
	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	sweep(part);
	LWLockRelease(&part->lock);
}

/* ---------------------------------------------------------------------
 * One account
 * ---------------------------------------------------------------------
 */

/*
 * Lock the account; NULL if it is unknown or cannot be reached.
 */
static Account *
lock_known(const KeyapiAccountId *id)
{
	Call		call = {.id = id};
	const char *why;

	return keyapi_shared_attempt(find, &call, &why) ? call.account : NULL;
}

/*
 * Lock the account, and make it known if it is not.
 */
static Account *
lock_or_add(const KeyapiAccountId *id, const char *endpoint)
{
	Call		call = {.id = id,.endpoint = endpoint};
	Account    *account = lock_known(id);
	const char *why;

	if (account != NULL || keyapi_shared_attempt(find_or_add, &call, &why))
		return account != NULL ? account : call.account;
	if (!keyapi_shared_attempt(sweep_all, NULL, &why) ||
		!keyapi_shared_attempt(find_or_add, &call, &why))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("no room to remember what another API key spends: %s", why),
				 errdetail("No request was sent."),
				 errhint("Make more shared memory available, or wait: keys that were not used for a day make way.")));
	return call.account;
}

static void
unlock(Account *account)
{
	dshash_release_lock(table, account);
}

/*
 * The account's UTC day; the account must be locked.
 */
static KeyapiDay *
day_of(Account *account)
{
	keyapi_day_turn(&account->day, GetCurrentTimestamp() / USECS_PER_DAY,
					keyapi_clock_us());
	return &account->day;
}

void
keyapi_account_open(const KeyapiAccountId *id, const char *endpoint)
{
	unlock(lock_or_add(id, endpoint));
}

KeyapiGate *
keyapi_account_lock(const KeyapiAccountId *id)
{
	locked = lock_or_add(id, "");
	return &locked->gate;
}

void
keyapi_account_unlock(void)
{
	unlock(locked);
}

KeyapiGate
keyapi_account_gate(const KeyapiAccountId *id)
{
	Account    *account = lock_known(id);
	KeyapiGate	gate = {0};

	if (account == NULL)
		return gate;
	gate = account->gate;
	unlock(account);
	return gate;
}

void
keyapi_account_resume(const KeyapiAccountId *id)
{
	Account    *account = lock_known(id);

	if (account == NULL)
		return;
	keyapi_gate_resume(&account->gate, keyapi_gate_clock());
	unlock(account);
}

int64
keyapi_account_spent(const KeyapiAccountId *id)
{
	Account    *account = lock_known(id);
	int64		credits;

	if (account == NULL)
		return 0;
	credits = day_of(account)->credits;
	unlock(account);
	return credits;
}

KeyapiStart
keyapi_account_start(const KeyapiAccountId *id, int64 now_us, double pace,
					 const KeyapiPatience *patience, int credits, int limit)
{
	Account    *account = lock_or_add(id, "");
	KeyapiDay  *day = day_of(account);
	KeyapiStart start = KEYAPI_START_NOW;

	account->used_at_us = keyapi_clock_us();
	if (limit >= 0 && day->credits + credits > limit)
		start = KEYAPI_START_BROKE;
	else if (keyapi_gate_opens(&account->gate, now_us, pace, patience) > now_us)
		start = KEYAPI_START_LATER;
	else
	{
		keyapi_gate_start(&account->gate, now_us, pace, patience);
		day->credits += credits;
		day->requests++;
	}
	unlock(account);
	return start;
}

void
keyapi_account_refund(const KeyapiAccountId *id, int requests, int credits)
{
	Account    *account = lock_known(id);
	KeyapiDay  *day;

	if (account == NULL)
		return;
	day = day_of(account);

	/* it may have been another day's */
	day->credits = Max(day->credits - credits, 0);
	day->requests = Max(day->requests - requests, 0);
	unlock(account);
}

/* ---------------------------------------------------------------------
 * All accounts
 * ---------------------------------------------------------------------
 */

KeyapiAccountInfo *
keyapi_account_list(int *n)
{
	AccountPart *part = account_part();
	KeyapiAccountInfo *list;
	dshash_seq_status scan;
	Account    *account;

	attach();
	LWLockAcquire(&part->lock, LW_SHARED);	/* none is added meanwhile */
	list = palloc(sizeof(KeyapiAccountInfo) * Max(part->count, 1));
	*n = 0;
	dshash_seq_init(&scan, table, true);
	while ((account = dshash_seq_next(&scan)) != NULL)
	{
		KeyapiAccountInfo *info = &list[(*n)++];
		const KeyapiDay *day = day_of(account);

		info->id = account->id;
		strlcpy(info->endpoint, account->endpoint, sizeof(info->endpoint));
		info->gate = account->gate;
		info->credits_today = day->credits;
		info->requests_today = day->requests;
		info->last_used = GetCurrentTimestamp() -
			(keyapi_clock_us() - account->used_at_us);
	}
	dshash_seq_term(&scan);
	LWLockRelease(&part->lock);
	return list;
}
