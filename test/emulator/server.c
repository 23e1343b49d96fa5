/*-------------------------------------------------------------------------
 *
 * server.c
 *	  The HTTP side: from a request on a connection to its answer.
 *
 *-------------------------------------------------------------------------
 */
#include "server.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "control.h"
#include "endpoint.h"
#include "wire.h"

#define API_PATH "/v1/tiktok/trending/videos"
#define MAX_CONNECTIONS 4000

typedef enum Phase
{
	PHASE_NEW,					/* headers seen */
	PHASE_READY,				/* all of it seen */
	PHASE_HELD,					/* API request, delayed or stalled */
	PHASE_AWAITING,				/* control request, waiting for an event */
	PHASE_WIRED,				/* being answered behind the library's back */
	PHASE_ANSWERED
} Phase;

typedef struct Request
{
	char	   *uri;			/* raw path, cut up by the parsers */
	char	   *raw_query;		/* in uri, or NULL */
	Phase		phase;
	Hold		hold;

	/* API requests only */
	Scenario   *scenario;
	Settings	settings;
	Query		query;
	char	   *key;
	Incoming	in;
	Verdict		verdict;
	long		epoch;
} Request;

/* Whether the thread's connections are TLS ones. */
typedef struct Listener
{
	gnutls_datum_t ticket_key;	/* data is NULL without TLS */
} Listener;

static void *
on_uri(void *unused, const char *uri, struct MHD_Connection *connection)
{
	Request    *request = xcalloc(sizeof(Request));

	(void) unused;
	(void) connection;

	/* Proxies send the absolute form, http://HOST/PATH. */
	if (strncmp(uri, "http://", 7) == 0)
		uri += 7 + strcspn(uri + 7, "/");
	request->uri = xstrdup(uri);
	request->raw_query = strchr(request->uri, '?');
	if (request->raw_query != NULL)
		*request->raw_query++ = '\0';
	return request;
}

static Peer *
peer_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection,
								   MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static const char *
header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result
send_reply(struct MHD_Connection *connection, Reply reply)
{
	struct MHD_Response *response =
	MHD_create_response_from_buffer(reply.body.len,
									reply.body.data, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	MHD_add_response_header(response, "Content-Type", "text/plain");
	result = MHD_queue_response(connection, (unsigned) reply.status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
serve_control(struct MHD_Connection *connection, Request *request)
{
	Reply		reply;

	request->hold.connection = connection;
	reply = control_run(request->uri, request->raw_query, &request->hold);
	if (reply.status != 0)
		return send_reply(connection, reply);
	request->phase = PHASE_AWAITING;
	return MHD_YES;
}

/* The answer's status is known. */
static void
note_answer(Request *request, int status)
{
	pthread_mutex_lock(&state_lock);
	scenario_answered(request->scenario, request->epoch, request->in.number,
					  status);
	pthread_mutex_unlock(&state_lock);
}

static bool
accepts_gzip(struct MHD_Connection *connection)
{
	const char *encodings = header_of(connection, "Accept-Encoding");

	return encodings != NULL && strstr(encodings, "gzip") != NULL;
}

/*
 * The headers of an HTTP cache; lines of Cache-Status are separated by a bar.
 */
static void
add_cache_headers(struct MHD_Response *response, const Settings *settings)
{
	char	   *lines = settings->cachestatus ? xstrdup(settings->cachestatus) : NULL;
	char	   *next = NULL;

	if (settings->age != NULL)
		MHD_add_response_header(response, "Age", settings->age);
	for (char *line = lines ? strtok_r(lines, "|", &next) : NULL; line != NULL;
		 line = strtok_r(NULL, "|", &next))
		MHD_add_response_header(response, "Cache-Status", line);
	free(lines);
}

static enum MHD_Result
send_answer(struct MHD_Connection *connection, Request *request)
{
	const Fault *fault = request->verdict.fault;
	Answer		answer = answer_make(&request->in, &request->verdict,
									 accepts_gzip(connection));
	struct MHD_Response *response;
	enum MHD_Result result;

	note_answer(request, wire_is_for(fault) &&
				fault->at == PLACE_BEFORE ? 0 : answer.status);
	if (wire_is_for(fault))
	{
		request->phase = PHASE_WIRED;
		wire_start(connection, request->scenario, fault, &answer);
		return MHD_YES;
	}

	request->phase = PHASE_ANSWERED;
	response = MHD_create_response_from_buffer(answer.body.len,
											   answer.body.data, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(response, "Content-Type", answer.content_type);
	if (answer.gzipped)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (*answer.after)
		MHD_add_response_header(response, "Retry-After", answer.after);
	if (*answer.date)
		MHD_add_response_header(response, "Date", answer.date);
	if (answer.location != NULL)
		MHD_add_response_header(response, "Location", answer.location);
	add_cache_headers(response, &request->settings);
	result = MHD_queue_response(connection, (unsigned) answer.status, response);
	MHD_destroy_response(response);
	return result;
}

/*
 * Delay or stall the request if that is its fate, with state_lock held.
 */
static bool
hold_back(struct MHD_Connection *connection, Request *request)
{
	const Fault *fault = request->verdict.fault;
	bool		stall = fault != NULL && fault->kind == FAULT_STALL &&
	!wire_is_for(fault);

	if (!stall && request->verdict.delay == 0)
		return false;
	request->hold.connection = connection;
	request->hold.scenario = request->scenario;
	request->hold.kind = stall ? HOLD_STALL : HOLD_DELAY;
	request->hold.due = stall ? HOLD_FOREVER :
		monotonic_us() + request->verdict.delay * 1000;
	request->phase = PHASE_HELD;
	hold_start(&request->hold);
	return true;
}

static char
tls_resumed(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *tls =
	MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (tls == NULL || tls->tls_session == NULL)
		return '-';
	return gnutls_session_is_resumed(tls->tls_session) ? '1' : '0';
}

static LogRow
make_log_row(struct MHD_Connection *connection, const Request *request)
{
	const char *agent = header_of(connection, "User-Agent");
	Peer	   *peer = peer_of(connection);
	LogRow		row = {
		.ms = wall_ms(),
		.connection = peer->id,
		.fresh = peer->requests == 0,
		.resumed = tls_resumed(connection),
		.query = request->query,
		.raw_query = xstrdup(request->raw_query ? request->raw_query : ""),
		.user_agent = xstrdup(agent ? agent : ""),
		.key = xstrdup(request->key ? request->key : ""),
	};

	return row;
}

/*
 * Split the path into scenario and rest; the rest may have a prefix of its
 * own.  Returns false with a message if the scenario is none.
 */
static bool
parse_path(Request *request, char *error, size_t size)
{
	char	   *segment = request->uri + (request->uri[0] == '/');
	char	   *rest = strchr(segment, '/');
	size_t		rest_len = rest ? strlen(rest) : 0;

	request->query.endpoint = rest ? endpoint_find(rest) : NULL;
	request->in.known_path = request->query.endpoint != NULL ||
		(rest_len >= strlen(API_PATH) &&
		 strcmp(rest + rest_len - strlen(API_PATH), API_PATH) == 0);
	if (rest != NULL)
		*rest = '\0';
	return scenario_parse(segment, &request->settings, error, size);
}

static enum MHD_Result
serve_api(struct MHD_Connection *connection, Request *request)
{
	const char *authorization = header_of(connection, "Authorization");
	Incoming   *in = &request->in;
	LogRow		row;
	bool		held;
	char		error[200];

	if (!parse_path(request, error, sizeof(error)))
	{
		Reply		reply = {400};

		body_error(&reply.body, 400, error);
		return send_reply(connection, reply);
	}
	if (authorization != NULL && strncmp(authorization, "Bearer ", 7) == 0)
		request->key = xstrdup(authorization + 7);
	in->settings = &request->settings;
	in->key = request->key;
	in->query = &request->query;
	in->query_error = request->query.endpoint != NULL ?
		endpoint_parse(request->query.endpoint, request->raw_query,
					   &request->query) :
		query_parse(request->raw_query,
					(request->settings.words & WORD_NEWVALUES) != 0, &request->query);
	row = make_log_row(connection, request);

	pthread_mutex_lock(&state_lock);
	request->scenario = scenario_get(request->settings.name);
	request->epoch = request->scenario->epoch;
	request->scenario->inflight++;
	in->number = scenario_request(request->scenario, peer_of(connection), row);
	request->verdict = verdict_of(request->scenario, in);
	held = hold_back(connection, request);
	hold_signal(request->scenario);
	pthread_mutex_unlock(&state_lock);

	return held ? MHD_YES : send_answer(connection, request);
}

static enum MHD_Result
on_request(void *unused, struct MHD_Connection *connection, const char *url,
		   const char *method, const char *version, const char *upload,
		   size_t *upload_size, void **context)
{
	Request    *request = *context;
	Reply		wrong_method = {405};

	(void) unused, (void) url, (void) version, (void) upload;
	switch (request->phase)
	{
		case PHASE_NEW:
			request->phase = PHASE_READY;
			return MHD_YES;
		case PHASE_READY:
			if (*upload_size > 0)
			{
				*upload_size = 0;
				return MHD_YES;
			}
			if (strncmp(request->uri, CONTROL_PREFIX,
						strlen(CONTROL_PREFIX)) == 0)
				return serve_control(connection, request);
			if (strcmp(method, "GET") != 0)
				return send_reply(connection, wrong_method);
			return serve_api(connection, request);
		case PHASE_HELD:
			if (request->hold.gone)
				return MHD_NO;
			return send_answer(connection, request);
		case PHASE_AWAITING:
			if (request->hold.gone)
				return MHD_NO;
			return send_reply(connection, control_awaited(&request->hold));
		case PHASE_WIRED:
		case PHASE_ANSWERED:
			break;
	}
	return MHD_NO;
}

static void
on_completed(void *unused, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode why)
{
	Request    *request = *context;

	(void) unused, (void) connection, (void) why;
	if (request == NULL)
		return;
	if (request->scenario != NULL)
	{
		if (request->phase == PHASE_HELD)
			note_answer(request, STATUS_CLIENT_GONE);
		pthread_mutex_lock(&state_lock);
		request->scenario->inflight--;
		hold_signal(request->scenario);
		pthread_mutex_unlock(&state_lock);
	}
	free(request->key);
	free(request->uri);
	free(request);
	*context = NULL;
}

static void
on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	static unsigned last_id;
	Listener   *listener = arg;
	Peer	   *peer = *context;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED)
	{
		pthread_mutex_lock(&state_lock);
		peer_closed(peer);
		pthread_mutex_unlock(&state_lock);
		free(peer);
		return;
	}

	peer = xcalloc(sizeof(Peer));
	peer->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	*context = peer;
	if (listener->ticket_key.data != NULL)
	{
		const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(connection,
								MHD_CONNECTION_INFO_GNUTLS_SESSION);

		if (tls != NULL && tls->tls_session != NULL)
			gnutls_session_ticket_enable_server(tls->tls_session,
												&listener->ticket_key);
	}
}

void
server_start(int listen_fd, const Certificate *cert, const char *priorities)
{
	unsigned	flags = MHD_USE_EPOLL_INTERNAL_THREAD |
	MHD_ALLOW_SUSPEND_RESUME | (cert ? MHD_USE_TLS : 0);
	Listener   *listener = xcalloc(sizeof(Listener));
	struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, cert ? cert->key : NULL},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, cert ? cert->chain : NULL},
		{priorities ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0,
		(void *) priorities},
		{MHD_OPTION_END, 0, NULL}
	};
	struct MHD_OptionItem no_options[] = {{MHD_OPTION_END, 0, NULL}};

	if (cert != NULL)
		gnutls_session_ticket_key_generate(&listener->ticket_key);
	if (MHD_start_daemon(flags, 0, NULL, NULL, on_request, NULL,
						 MHD_OPTION_LISTEN_SOCKET, listen_fd,
						 MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL,
						 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
						 MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
						 MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS,
						 MHD_OPTION_ARRAY, cert ? tls_options : no_options,
						 MHD_OPTION_END) == NULL)
	{
		fprintf(stderr, "keyapi_emulator: cannot start a listener\n");
		exit(1);
	}
}
