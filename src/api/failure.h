/*-------------------------------------------------------------------------
 *
 * failure.h
 *	  What can go wrong with a request, as one table: cause -> SQLSTATE,
 *	  message and hint.
 *
 * How a response is told to be a failure: fetch/response.c.  Whether it is tried
 * again: fetch/retry.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_FAILURE_H
#define KEYAPI_FAILURE_H

#include "compat.h"

#include "api/listing.h"

typedef enum KeyapiCause
{
	KEYAPI_OK,
	KEYAPI_BAD_REQUEST,			/* 400 */
	KEYAPI_UNAUTHORIZED,		/* 401 */
	KEYAPI_PAYMENT_REQUIRED,	/* 402 */
	KEYAPI_FORBIDDEN,			/* 403 */
	KEYAPI_RATE_LIMITED,		/* 429 */
	KEYAPI_UNAVAILABLE,			/* a status worth another try: 408, 425, 500,
								 * 502-504, 520-524 */
	KEYAPI_UNEXPECTED_STATUS,	/* any other status or body code */
	KEYAPI_NOT_THE_API,			/* refused by something on the way: without
								 * the API's envelope */
	KEYAPI_CANNOT_CONNECT,		/* DNS, TCP, proxy, connect_timeout */
	KEYAPI_TLS,					/* handshake or certificate */
	KEYAPI_CERTIFICATE_EXPIRED,
	KEYAPI_BROKEN_TRANSFER,		/* reset, short body */
	KEYAPI_TIMED_OUT,			/* request_timeout */
	KEYAPI_BODY_TOO_LARGE,
	KEYAPI_TRUNCATED_BODY,		/* the JSON ends too early */
	KEYAPI_BAD_RESPONSE,		/* not JSON, or not the API's envelope */
	KEYAPI_NUM_CAUSES
} KeyapiCause;

/* What is known of a failed request; what is unknown is NULL, 0 or -1. */
typedef struct KeyapiFailure
{
	KeyapiCause cause;
	const KeyapiListing *listing;
	int			page;
	int			status;			/* HTTP status, or 0 */
	int64		code;			/* code of the envelope, or 0 */
	const char *api_message;	/* the API's words, UTF-8, or NULL */
	const char *request_id;		/* UTF-8, or NULL */
	const char *reason;			/* libcurl's or the decoder's words, or NULL */
	const char *body;			/* to quote, or NULL; body_len bytes */
	size_t		body_len;
	int64		retry_after_ms; /* ms, or -1 */
	int			attempts;		/* requests sent for the page */
	const char *base_url;
} KeyapiFailure;

/*
 * The cause that an HTTP status, or a code in the envelope, stands for.
 * KEYAPI_OK for 200 and for code 0.
 */
extern KeyapiCause keyapi_cause_of_status(int64 status);

/*
 * Whether another try may succeed where this cause failed.
 */
extern bool keyapi_cause_is_transient(KeyapiCause cause);

/*
 * The failure as one line without a full stop, palloc'd, with the secrets of
 * secret.h blotted out, wherever the API or libcurl may have echoed them.
 */
extern char *keyapi_failure_message(const KeyapiFailure *failure);

/*
 * Raise the failure as an ERROR, with the secrets blotted out of every part.  spent
 * are the credits that the statement which it ends has spent.
 */
pg_noreturn extern void keyapi_failure_raise(const KeyapiFailure *failure,
											 int64 spent);

/*
 * A text of the API (UTF-8) as part of a message: on one line, clipped, valid in
 * the database's encoding, with the secrets blotted out, palloc'd.  Never raises
 * an error but out of memory.
 */
extern char *keyapi_quotable(const char *text);

#endif							/* KEYAPI_FAILURE_H */
