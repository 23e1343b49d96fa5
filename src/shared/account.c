/*-------------------------------------------------------------------------
 *
 * account.c
 *	  Accounts at the API: the gate of each, and what it spent today.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/account.h"

#include "common/hmac.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

/*
 * Accounts known at a time; the one that spent least today makes way for a new
 * one, and of several the one not used for the longest time.
 */
#define MAX_ACCOUNTS 256

typedef struct Account
{
	KeyapiAccountId id;
	KeyapiGate	gate;
	int64		last_used;		/* reading of AccountPart.uses; 0: free */
	int64		day;			/* UTC, since 2000-01-01 ... */
	int64		spent;			/* ... credits on that day */
} Account;

typedef struct AccountPart
{
	LWLock		lock;
	int64		uses;
	Account		accounts[MAX_ACCOUNTS];
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

/*
 * What was spent on this UTC day.  The part must be locked.
 */
static int64 *
spent_today(Account *account)
{
	int64		day = GetCurrentTimestamp() / USECS_PER_DAY;

	if (account->day != day)
	{
		account->day = day;
		account->spent = 0;
	}
	return &account->spent;
}

/*
 * Whether an account, or a free place, makes way before another.  What was spent
 * comes first: otherwise many wrong keys, tried one after the other, would make
 * us forget what the others have spent.
 */
static bool
makes_way(Account *account, Account *other)
{
	int64		spent = *spent_today(account);
	int64		other_spent = *spent_today(other);

	return spent != other_spent ? spent < other_spent :
		account->last_used < other->last_used;
}

/*
 * The account of that identity, or NULL.  The part must be locked.
 */
static Account *
find_known(AccountPart *part, const KeyapiAccountId *id)
{
	for (int i = 0; i < MAX_ACCOUNTS; i++)
	{
		Account    *account = &part->accounts[i];

		if (account->last_used != 0 &&
			memcmp(&account->id, id, sizeof(*id)) == 0)
			return account;
	}
	return NULL;
}

/*
 * The account of that identity, made if need be.  The part must be locked.
 */
static Account *
find(AccountPart *part, const KeyapiAccountId *id)
{
	Account    *found = find_known(part, id);

	if (found == NULL)
	{
		found = &part->accounts[0];
		for (int i = 1; i < MAX_ACCOUNTS; i++)
		{
			if (makes_way(&part->accounts[i], found))
				found = &part->accounts[i];
		}
		memset(found, 0, sizeof(Account));
		found->id = *id;
	}
	found->last_used = ++part->uses;
	return found;
}

static AccountPart *
lock_part(void)
{
	AccountPart *part = keyapi_shared_part(&keyapi_account_part);

	LWLockAcquire(&part->lock, LW_EXCLUSIVE);
	return part;
}

KeyapiGate *
keyapi_account_lock(const KeyapiAccountId *id)
{
	return &find(lock_part(), id)->gate;
}

void
keyapi_account_unlock(void)
{
	AccountPart *part = keyapi_shared_part(&keyapi_account_part);

	LWLockRelease(&part->lock);
}

KeyapiGate
keyapi_account_gate(const KeyapiAccountId *id)
{
	KeyapiGate	gate = *keyapi_account_lock(id);

	keyapi_account_unlock();
	return gate;
}

void
keyapi_account_resume(const KeyapiAccountId *id)
{
	Account    *account = find_known(lock_part(), id);

	if (account != NULL)
		keyapi_gate_resume(&account->gate, keyapi_gate_clock());
	keyapi_account_unlock();
}

int64
keyapi_account_spent(const KeyapiAccountId *id)
{
	int64		spent = *spent_today(find(lock_part(), id));

	keyapi_account_unlock();
	return spent;
}

KeyapiStart
keyapi_account_start(const KeyapiAccountId *id, int64 now_us, double pace,
					 const KeyapiPatience *patience, int credits, int limit)
{
	Account    *account = find(lock_part(), id);
	int64	   *spent = spent_today(account);
	KeyapiStart start = KEYAPI_START_NOW;

	if (limit >= 0 && *spent + credits > limit)
		start = KEYAPI_START_BROKE;
	else if (keyapi_gate_opens(&account->gate, now_us, pace, patience) > now_us)
		start = KEYAPI_START_LATER;
	else
	{
		keyapi_gate_start(&account->gate, now_us, pace, patience);
		*spent += credits;
	}
	keyapi_account_unlock();
	return start;
}

void
keyapi_account_refund(const KeyapiAccountId *id, int credits)
{
	int64	   *spent = spent_today(find(lock_part(), id));

	/* it may have been another day's */
	*spent = Max(*spent - credits, 0);
	keyapi_account_unlock();
}
