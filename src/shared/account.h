/*-------------------------------------------------------------------------
 *
 * account.h
 *	  Accounts at the API: how they are told apart without their keys, and what
 *	  all sessions that use one must know of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ACCOUNT_H
#define KEYAPI_ACCOUNT_H

#include "compat.h"

#include "shared/gate.h"
#include "shared/shared_memory.h"

#define KEYAPI_DIGEST_LEN 32

/* Compare with memcmp.  Does not reveal what it was made of. */
typedef struct KeyapiAccountId
{
	uint8		digest[KEYAPI_DIGEST_LEN];
} KeyapiAccountId;

extern const KeyapiSharedPart keyapi_account_part;

/*
 * The account that a key stands for at an API, whatever role, user mapping or
 * database uses it: a hash of these four, keyed with the secret of this start of
 * the server.  proxy may be NULL.  Raises an ERROR only for lack of memory.
 */
extern KeyapiAccountId keyapi_account_id(const char *base_url,
										 const char *endpoint,
										 const char *proxy,
										 const char *api_key);

/*
 * What is known of the account's rate limit and credits, as a copy; see gate.h.
 */
extern KeyapiGate keyapi_account_gate(const KeyapiAccountId *id);

/*
 * Lock the accounts and return the gate of this one, to be changed by the
 * functions of gate.h; then unlock.  Nothing may raise an error in between.
 */
extern KeyapiGate *keyapi_account_lock(const KeyapiAccountId *id);
extern void keyapi_account_unlock(void);

/*
 * End the pauses of the account, if it is known.
 */
extern void keyapi_account_resume(const KeyapiAccountId *id);

/*
 * Credits that the account has spent on this UTC day, as far as this server
 * knows.
 */
extern int64 keyapi_account_spent(const KeyapiAccountId *id);

typedef enum KeyapiStart
{
	KEYAPI_START_NOW,
	KEYAPI_START_LATER,			/* the gate is closed, or it is too early */
	KEYAPI_START_BROKE			/* the limit of the day would be exceeded */
} KeyapiStart;

/*
 * Start a request that costs some credits, if it may start now; otherwise nothing
 * changes.  now_us, pace and patience are as in gate.h; limit is the most credits on a day,
 * -1: no limit.
 */
extern KeyapiStart keyapi_account_start(const KeyapiAccountId *id,
										int64 now_us, double pace,
										const KeyapiPatience *patience,
										int credits, int limit);

/*
 * A request that was started has not been sent after all: take its credits off
 * the day's bill.
 */
extern void keyapi_account_refund(const KeyapiAccountId *id, int credits);

#endif							/* KEYAPI_ACCOUNT_H */
