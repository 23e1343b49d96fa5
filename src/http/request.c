/*-------------------------------------------------------------------------
 *
 * request.c
 *	  Requests: which options we give libcurl, and what its callbacks hand us.
 *
 *-------------------------------------------------------------------------
 */
#include "http/transfer.h"

#include <fcntl.h>

#include "utils/memutils.h"

#include "http/event_loop.h"

/*
 * Largest body, decompressed.  A page of 20 videos is about 13 kB; this only
 * keeps a server from taking our memory.
 */
#define MAX_BODY	(8 * 1024 * 1024)

/* Largest head of a response, for the same reason; servers allow 8..64 kB. */
#define MAX_HEADERS (256 * 1024)

/*
 * How long a parsed CA bundle is used before its file is read again, in s.
 * Parsing takes 25 ms, too long for each connection; but a file that the
 * administrator replaces should be noticed soon.
 */
#define CA_CACHE_TIMEOUT	600L

#define AUTHORIZATION "Authorization: Bearer "

/*
 * libcurl's write callback: collect the body, which is decompressed already.
 */
static size_t
take_body(char *data, size_t size, size_t nmemb, void *arg)
{
	KeyapiTransfer *transfer = arg;
	size_t		len = size * nmemb;
	size_t		needed = transfer->body_len + len + 1;

	if (needed > MAX_BODY)
	{
		transfer->too_large = "Response body is larger than 8 MB";
		return CURL_WRITEFUNC_ERROR;
	}
	if (needed > transfer->body_size)
	{
		size_t		new_size = Max(needed, Max(2 * transfer->body_size, 16384));
		char	   *new_body = realloc(transfer->body, new_size);

		if (new_body == NULL)
		{
			transfer->no_memory = true;
			return CURL_WRITEFUNC_ERROR;
		}
		transfer->body = new_body;
		transfer->body_size = new_size;
	}
	memcpy(transfer->body + transfer->body_len, data, len);
	transfer->body_len += len;
	transfer->body[transfer->body_len] = '\0';
	return len;
}

/*
 * libcurl's header callback: libcurl 7.88 would keep any amount of headers.
 */
static size_t
take_header(char *data, size_t size, size_t nmemb, void *arg)
{
	KeyapiTransfer *transfer = arg;
	size_t		len = size * nmemb;

	transfer->header_len += len;
	if (transfer->header_len > MAX_HEADERS)
	{
		transfer->too_large = "Response headers are larger than 256 kB";
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

/*
 * libcurl's prerequest callback: connected, TLS included, and about to send.
 *
 * If a pooled connection dies before the response, libcurl sends the request
 * again, up to five times.  Each of these may cost money, so only the caller may
 * repeat a request, and counts it then.
 */
static int
about_to_send(void *arg, char *peer_ip, char *own_ip,
			  int peer_port, int own_port)
{
	KeyapiTransfer *transfer = arg;

	/*
	 * libcurl calls this for a connection, too, that only shows its
	 * certificate
	 */
	if (transfer->looking)
		return CURL_PREREQFUNC_OK;
	if (transfer->sent)
	{
		transfer->replayed = true;
		return CURL_PREREQFUNC_ABORT;
	}
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

/*
 * libcurl's socket option callback: programs that the session executes must not
 * inherit its sockets.
 *
 * The sockets are not counted with fd.c: libcurl 7.88 to 8.2 closes one that
 * is abandoned before it is connected without a word, so a count would drift
 * until PostgreSQL refuses to wait for anything.
 */
static int
close_on_exec(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ?
		CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

pg_noreturn static void
refused(const char *option, CURLcode result)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYSTEM_ERROR),
			 errmsg("libcurl refused %s: %s", option, curl_easy_strerror(result))));
}

/*
 * Set an option of transfer->easy, or raise an ERROR.
 */
#define SET(option, value) \
	do { \
		CURLcode	set_result = curl_easy_setopt(transfer->easy, option, value); \
		if (set_result != CURLE_OK) \
			refused(#option, set_result); \
	} while (0)

/*
 * The same for options that not every TLS library has or needs.
 */
#define SET_IF_BUILT_IN(option, value) \
	do { \
		CURLcode	set_result = curl_easy_setopt(transfer->easy, option, value); \
		if (set_result != CURLE_OK && set_result != CURLE_NOT_BUILT_IN) \
			refused(#option, set_result); \
	} while (0)

/*
 * Append a header to those that will be sent.
 */
static void
add_header(KeyapiTransfer *transfer, const char *header)
{
	struct curl_slist *headers = curl_slist_append(transfer->headers, header);

	if (headers == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	transfer->headers = headers;
}

static void
set_request(KeyapiTransfer *transfer, const char *url, const char *bearer,
			bool no_cache)
{
	char	   *user_agent = psprintf("keyapi_fdw libcurl/%s",
									  curl_version_info(CURLVERSION_NOW)->version);

	if (bearer != NULL)
	{
		char	   *header = psprintf(AUTHORIZATION "%s", bearer);

		add_header(transfer, header);
		transfer->bearer = transfer->headers->data + strlen(AUTHORIZATION);
		explicit_bzero(header, strlen(header));
		pfree(header);
	}
	add_header(transfer, "Accept: application/json");
	if (no_cache)
		add_header(transfer, "Cache-Control: no-cache");

	SET(CURLOPT_URL, url);
	SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_USERAGENT, user_agent);
	SET(CURLOPT_ACCEPT_ENCODING, "gzip");

	/* HTTP/2 servers that say GOAWAY made libcurl repeat paid requests */
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_MAXREDIRS, 0L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_VERBOSE, 0L);

	pfree(user_agent);
}

static void
set_callbacks(KeyapiTransfer *transfer)
{
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_PREREQFUNCTION, about_to_send);
	SET(CURLOPT_PREREQDATA, transfer);
	SET(CURLOPT_SOCKOPTFUNCTION, close_on_exec);
}

/*
 * How to connect, and for how long to try.
 */
static void
set_connection(KeyapiTransfer *transfer, const KeyapiHttpOptions *options)
{
	/* an empty string, unlike NULL, hides the environment's proxies */
	SET(CURLOPT_PROXY, options->proxy != NULL ? options->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

	SET(CURLOPT_NOSIGNAL, 1L);

	/* abandoning a transfer must not wait for its resolver thread */
	SET(CURLOPT_QUICK_EXIT, 1L);

	/*
	 * libcurl's timeouts run on while nobody drives the transfer, so the
	 * deadlines are ours.  But from its own for connecting libcurl also
	 * derives how long it waits for one address of a host before it tries the
	 * next.
	 */
	SET(CURLOPT_TIMEOUT_MS, 0L);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
		(long) Min(options->connect_timeout_ms, options->request_timeout_ms));

	transfer->started_us = keyapi_http_loop_clock();
	transfer->connect_by_us = transfer->started_us +
		options->connect_timeout_ms * INT64CONST(1000);
	transfer->finish_by_us = transfer->started_us +
		options->request_timeout_ms * INT64CONST(1000);
}

static void
set_tls(KeyapiTransfer *transfer, const char *ca_file)
{
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);

	if (ca_file != NULL)
	{
		SET(CURLOPT_CAINFO, ca_file);
		SET(CURLOPT_PROXY_CAINFO, ca_file);
	}

	/*
	 * libcurl keeps parsed CAs only if they come from a file alone.  Where it
	 * was built without a default file, its default directory has to do.
	 */
	if (ca_file != NULL || curl_version_info(CURLVERSION_NOW)->cainfo != NULL)
	{
		SET_IF_BUILT_IN(CURLOPT_CAPATH, NULL);
		SET_IF_BUILT_IN(CURLOPT_PROXY_CAPATH, NULL);
	}
	SET_IF_BUILT_IN(CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_TIMEOUT);
}

/*
 * The transfer's context is going: let go of what is not in it.
 */
static void
abandon(void *arg)
{
	KeyapiTransfer *transfer = arg;

	keyapi_http_loop_drop(transfer);
	free(transfer->body);
	transfer->body = NULL;
	curl_free(transfer->location);
	transfer->location = NULL;
}

KeyapiTransfer *
keyapi_http_start(const char *url, const char *bearer,
				  const KeyapiHttpOptions *options)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "keyapi_fdw transfer",
												  ALLOCSET_SMALL_SIZES);
	KeyapiTransfer *transfer;

	transfer = MemoryContextAllocZero(context, sizeof(KeyapiTransfer));
	transfer->context = context;
	transfer->on_delete.func = abandon;
	transfer->on_delete.arg = transfer;
	MemoryContextRegisterResetCallback(context, &transfer->on_delete);

	PG_TRY();
	{
		transfer->easy = keyapi_http_loop_easy();
		set_request(transfer, url, bearer, options->no_cache);
		set_callbacks(transfer);
		set_connection(transfer, options);
		set_tls(transfer, options->ca_file);
		keyapi_http_loop_add(transfer);
	}
	PG_CATCH();
	{
		keyapi_http_release(transfer);
		PG_RE_THROW();
	}
	PG_END_TRY();

	return transfer;
}

const KeyapiHttpOutcome *
keyapi_http_outcome(const KeyapiTransfer *transfer)
{
	return transfer->finished ? &transfer->outcome : NULL;
}

bool
keyapi_http_sent(const KeyapiTransfer *transfer)
{
	return transfer->sent;
}

void
keyapi_http_release(KeyapiTransfer *transfer)
{
	MemoryContextDelete(transfer->context);
}
