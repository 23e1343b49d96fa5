/*-------------------------------------------------------------------------
 *
 * outcome.h
 *	  What came of a transfer, in words that do not depend on libcurl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_OUTCOME_H
#define KEYAPI_OUTCOME_H

#include "http/transfer.h"

/*
 * Fill in the outcome of a transfer that libcurl has finished with this result;
 * or, if it is overdue, of one whose time is up (then result is ignored).  now
 * is the loop's clock, in us.  The easy handle must still be there.
 */
extern void keyapi_http_conclude(KeyapiTransfer *transfer, CURLcode result,
								 bool overdue, int64 now);

#endif							/* KEYAPI_OUTCOME_H */
