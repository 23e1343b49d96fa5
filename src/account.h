/*-------------------------------------------------------------------------
 *
 * account.h
 *	  Accounts at the API: who they are, without telling their keys, and what
 *	  all sessions that use one must know of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ACCOUNT_H
#define KEYAPI_ACCOUNT_H

#include "compat.h"

#define KEYAPI_DIGEST_LEN 32

/* Compare with memcmp.  Tells nothing of what it was made of. */
typedef struct KeyapiAccountId
{
	uint8		digest[KEYAPI_DIGEST_LEN];
} KeyapiAccountId;

extern Size keyapi_account_part_size(int nprocs);

/*
 * The account that a key stands for at an API, whatever role, user mapping or
 * database uses it: a keyed hash of these four, with the secret of this start of
 * the server.  proxy may be NULL.  Raises an ERROR only on lack of memory.
 */
extern KeyapiAccountId keyapi_account_id(const char *base_url,
										 const char *endpoint,
										 const char *proxy,
										 const char *api_key);

/*
 * Take credits from what the account may spend on this UTC day.  False, and
 * nothing is taken, if the day's limit would be exceeded; -1 is no limit.
 * *spent is what the day has cost before.
 */
extern bool keyapi_account_spend(const KeyapiAccountId *account, int credits,
								 int64 limit, int64 *spent);

#endif							/* KEYAPI_ACCOUNT_H */
