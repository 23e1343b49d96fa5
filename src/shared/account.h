/*-------------------------------------------------------------------------
 *
 * account.h
 *	  Accounts at the API: how they are told apart without their keys, and what
 *	  all sessions that use one must know of it.
 *
 * An account that was used within the last day, or that is paused, is never
 * forgotten: another key that is tried must not give back a day's budget.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ACCOUNT_H
#define KEYAPI_ACCOUNT_H

#include "compat.h"

#include "utils/timestamp.h"

#include "shared/gate.h"
#include "shared/shared_memory.h"

#define KEYAPI_DIGEST_LEN 32

/* Most bytes of an endpoint's path that an account remembers, with the NUL. */
#define KEYAPI_ACCOUNT_ENDPOINT_LEN 64

/* Compare with memcmp.  Does not reveal what it was made of. */
typedef struct KeyapiAccountId
{
	uint8		digest[KEYAPI_DIGEST_LEN];
} KeyapiAccountId;

/* What keyapi_fdw_accounts shows of an account. */
typedef struct KeyapiAccountInfo
{
	KeyapiAccountId id;
	char		endpoint[KEYAPI_ACCOUNT_ENDPOINT_LEN];
	KeyapiGate	gate;
	int64		credits_today;
	int64		requests_today;
	TimestampTz last_used;		/* about when a request started last */
} KeyapiAccountInfo;

extern const KeyapiSharedPart keyapi_account_part;

/*
 * The account that a key stands for at an API, whatever role, user mapping or
 * database uses it: a hash of these four, keyed with the secret of this start of
 * the server.  base_url is a canonical one (canonical_url.h); proxy may be NULL.
 * Raises an ERROR only for lack of memory.
 */
extern KeyapiAccountId keyapi_account_id(const char *base_url,
										 const char *endpoint,
										 const char *proxy,
										 const char *api_key);

/*
 * Make the account known, if it is not; endpoint is the path that is part of the
 * id.  Raises 53200 if there is no room for it: then no request may be sent,
 * because what it costs could not be remembered.
 */
extern void keyapi_account_open(const KeyapiAccountId *id, const char *endpoint);

/*
 * What is known of the account's rate limit and credits, as a copy; see gate.h.
 */
extern KeyapiGate keyapi_account_gate(const KeyapiAccountId *id);

/*
 * Lock the account and return its gate, to be changed by the functions of gate.h;
 * then unlock.  Nothing may raise an error in between, or use this module.  Raises
 * 53200, before it locks, as keyapi_account_open does: not within a day after the
 * account was used.
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
 * changes.  now_us, pace and patience are as in gate.h; limit is the most credits
 * on a day, -1: no limit.  Raises 53200 as keyapi_account_open does.
 */
extern KeyapiStart keyapi_account_start(const KeyapiAccountId *id,
										int64 now_us, double pace,
										const KeyapiPatience *patience,
										int credits, int limit);

/*
 * Take off the day's bill what was started: a request that has not been sent after
 * all (requests is 1), or just the credits of one that turned out to cost nothing
 * (0).
 */
extern void keyapi_account_refund(const KeyapiAccountId *id, int requests,
								  int credits);

/*
 * All accounts, palloc'd, and their number in *n.
 */
extern KeyapiAccountInfo *keyapi_account_list(int *n);

#endif							/* KEYAPI_ACCOUNT_H */
