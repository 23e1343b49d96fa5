/*-------------------------------------------------------------------------
 *
 * retry.c
 *	  Whether a failed request is sent again, and when.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/retry.h"

#include "common/pg_prng.h"

#include "shared/gate.h"

/* Longest pause before the first retry of a page, in ms; then it doubles. */
#define FIRST_RETRY_WAIT 500

int64
keyapi_retry_delay(KeyapiFailure *failure, const KeyapiServerOptions *server,
				   bool from_cache)
{
	int			max_wait_ms = server->max_retry_wait_ms;
	int64		jitter;

	if (from_cache && failure->attempts == 1)
		return 0;
	if (failure->retry_after_ms > max_wait_ms)
	{
		if (failure->reason == NULL)
			failure->reason = "it asks for a longer pause than option \"max_retry_wait\" allows";
		return KEYAPI_NO_RETRY;
	}
	if (!keyapi_cause_is_transient(failure->cause) ||
		failure->attempts > server->max_retries)
		return KEYAPI_NO_RETRY;

	/* the gate keeps all requests back */
	if (failure->cause == KEYAPI_RATE_LIMITED)
		return 0;

	/* a connection that was kept alive may have died meanwhile */
	if (failure->cause == KEYAPI_BROKEN_TRANSFER && failure->attempts == 1)
		return 0;

	jitter = keyapi_full_jitter(FIRST_RETRY_WAIT, failure->attempts - 1,
								max_wait_ms,
								pg_prng_double(&pg_global_prng_state));
	return Min(Max(failure->retry_after_ms, 0) * US_PER_MS + jitter,
			   max_wait_ms * US_PER_MS);
}
