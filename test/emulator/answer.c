/*-------------------------------------------------------------------------
 *
 * answer.c
 *	  A complete answer: status, headers that matter, body.
 *
 *-------------------------------------------------------------------------
 */
#include "answer.h"

#include <string.h>

#include "body.h"
#include "endpoint.h"
#include "pagecache.h"

/* Covers expire so long after the answer, which is rounded to this. */
#define COVER_LIFETIME (6 * 3600)
#define COVER_ROUNDING 600

#define MAX_MB 512

static uint64_t
next_serial(void)
{
	static uint64_t serial;

	return __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
}

static void
make_error(Answer *answer, const Incoming *in, const Verdict *verdict,
		   long code)
{
	Buf			message = {0};

	buf_str(&message, verdict->message);
	if ((verdict->words & WORD_ECHO) && in->key != NULL)
		buf_fmt(&message, " (key %s)", in->key);

	if (verdict->words & WORD_HTML)
	{
		answer->content_type = "text/html";
		body_html(&answer->body, answer->status, message.data);
	}
	else if (verdict->words & WORD_BARE)
		buf_add(&answer->body, message.data, message.len);
	else if (in->query->endpoint != NULL && in->query->endpoint->add_error != NULL)
		in->query->endpoint->add_error(&answer->body, code, message.data);
	else
		body_error(&answer->body, code, message.data);
	buf_free(&message);
}

/*
 * A gzip file of two members, as RFC 1952 allows it.
 */
static void
gzip_members(Buf *out, const Buf *plain)
{
	Buf			half = {.data = plain->data,.len = plain->len / 2};

	gzip_add(out, &half);
	half.data += half.len;
	half.len = plain->len - half.len;
	gzip_add(out, &half);
}

static void
make_page(Answer *answer, const Incoming *in, const Verdict *verdict,
		  bool gzip)
{
	int64_t		now = in->settings->now ? in->settings->now : wall_ms() / 1000;
	PageSpec	spec = {
		.settings = in->settings,
		.query = in->query,
		.words = verdict->words,
		.fault = verdict->fault,
		.churned = verdict->churned,
		.expires = now / COVER_ROUNDING * COVER_ROUNDING + COVER_LIFETIME,
		.key = in->key,
	};

	if (in->query->endpoint != NULL)
	{
		endpoint_page(&answer->body, in->settings, in->query);
		return;
	}
	answer->gzipped = gzip && !(verdict->words & WORD_NOGZIP);
	if (verdict->words & WORD_MEMBERS)
	{
		Buf			plain = {0};

		pagecache_get(&plain, &spec, next_serial(), false);
		answer->gzipped = true;
		gzip_members(&answer->body, &plain);
		buf_free(&plain);
		return;
	}
	pagecache_get(&answer->body, &spec, next_serial(), answer->gzipped);
}

/*
 * A well-formed document that is mostly white space.
 */
static void
make_padding(Buf *out, long mb)
{
	buf_str(out, "{\"code\":0,");
	buf_fill(out, ' ', (size_t) (mb < MAX_MB ? mb : MAX_MB) << 20);
	buf_str(out, "\"data\":null}");
}

Answer
answer_make(const Incoming *in, const Verdict *verdict, bool accepts_gzip)
{
	const Fault *fault = verdict->fault;
	Answer		answer = {
		.status = verdict->status == 200 ? (int) in->settings->okstatus :
		verdict->status,
		.content_type = "application/json",
		.after = verdict->after,
		.date = verdict->date,
		.location = verdict->location,
	};
	Buf			padding = {0};

	if (verdict->status != 200)
	{
		make_error(&answer, in, verdict, verdict->status);
		return answer;
	}

	switch (fault ? fault->kind : FAULT_OK)
	{
		case FAULT_CODE:
			make_error(&answer, in, verdict, fault->code);
			break;
		case FAULT_HTML:
			answer.content_type = "text/html";
			body_html(&answer.body, 200,
					  fault->message ? fault->message : "Just a moment...");
			break;
		case FAULT_BODY:
			buf_str(&answer.body, fault->message ? fault->message : "");
			break;
		case FAULT_BADGZIP:
			answer.gzipped = true;
			buf_add(&answer.body, "\x1f\x8b\x08\0\0\0\0\0\0\3\xff\xff garbage", 20);
			break;
		case FAULT_BIG:
			make_padding(&answer.body, fault->mb);
			break;
		case FAULT_BOMB:
			answer.gzipped = true;
			make_padding(&padding, fault->mb);
			gzip_add(&answer.body, &padding);
			buf_free(&padding);
			break;
		case FAULT_TRUNCATE:
			make_page(&answer, in, verdict,
					  accepts_gzip || fault->how == HOW_GZIP);
			break;
		default:
			make_page(&answer, in, verdict, accepts_gzip);
	}
	return answer;
}
