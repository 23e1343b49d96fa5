/*-------------------------------------------------------------------------
 *
 * certificate.h
 *	  When a server's certificate expired.
 *
 * libcurl says that it has, but not when, because it looks no further into a
 * certificate that it refuses.  So a transfer that fails for this reason connects
 * once more, without verifying the server and without sending it anything, to
 * read the date.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_CERTIFICATE_H
#define KEYAPI_CERTIFICATE_H

#include "http/transfer.h"

/*
 * Whether a transfer failed with this result because a certificate has expired.
 */
extern bool keyapi_certificate_has_expired(const KeyapiTransfer *transfer,
										   CURLcode result);

/*
 * Prepare a transfer that has just failed so for looking at the date: the easy
 * handle is to be driven once more.  False if libcurl cannot do that.
 */
extern bool keyapi_certificate_look(KeyapiTransfer *transfer, CURLcode result);

/*
 * The date that was found, in libcurl's words, or NULL.  It lives as long as the
 * easy handle.
 */
extern const char *keyapi_certificate_expiry(const KeyapiTransfer *transfer);

#endif							/* KEYAPI_CERTIFICATE_H */
