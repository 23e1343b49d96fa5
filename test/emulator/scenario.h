/*-------------------------------------------------------------------------
 *
 * scenario.h
 *	  What a base_url asks for: NAME;setting;setting=value;fault=...
 *
 * README.md documents the grammar.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_SCENARIO_H
#define EMULATOR_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE 65			/* of a scenario, with its 0 byte */
#define MAX_FAULTS 16

/* Words: settings and fault arguments without a value. */
#define WORD_ENDLESS		(UINT64_C(1) << 0)
#define WORD_SAMEPAGE		(UINT64_C(1) << 1)
#define WORD_EXAMPLE		(UINT64_C(1) << 2)
#define WORD_PLAINIDS		(UINT64_C(1) << 3)
#define WORD_FORBIDDEN		(UINT64_C(1) << 4)
#define WORD_NOGZIP			(UINT64_C(1) << 5)
#define WORD_MSG			(UINT64_C(1) << 6)
#define WORD_SIZE			(UINT64_C(1) << 7)
#define WORD_TOTAL			(UINT64_C(1) << 8)
#define WORD_LIST			(UINT64_C(1) << 9)
#define WORD_NOREQUESTID	(UINT64_C(1) << 10)
#define WORD_NODATA			(UINT64_C(1) << 11)
#define WORD_NULLDATA		(UINT64_C(1) << 12)
#define WORD_NOVIDEOS		(UINT64_C(1) << 13)
#define WORD_NOPAGINATION	(UINT64_C(1) << 14)
#define WORD_NOTOTAL		(UINT64_C(1) << 15)
#define WORD_NOMESSAGE		(UINT64_C(1) << 16)
#define WORD_NOCODE			(UINT64_C(1) << 17)
#define WORD_AUTHOR			(UINT64_C(1) << 18)
#define WORD_NULLS			(UINT64_C(1) << 19)
#define WORD_OTHERCOUNTRY	(UINT64_C(1) << 20)
#define WORD_LOWERCOUNTRY	(UINT64_C(1) << 21)
#define WORD_NUMIDS			(UINT64_C(1) << 22)
#define WORD_STRINGS		(UINT64_C(1) << 23)
#define WORD_FLOATS			(UINT64_C(1) << 24)
#define WORD_ASCII			(UINT64_C(1) << 25)
#define WORD_ECHO			(UINT64_C(1) << 26)
#define WORD_HTML			(UINT64_C(1) << 27)
#define WORD_KEEPALIVE		(UINT64_C(1) << 28)
#define WORD_ECHOROWS		(UINT64_C(1) << 29)
#define WORD_NOLIMIT		(UINT64_C(1) << 30)
#define WORD_PAGETOTAL		(UINT64_C(1) << 31)
#define WORD_NULLVIDEOS		(UINT64_C(1) << 32)
#define WORD_MEMBERS		(UINT64_C(1) << 33)
#define WORD_WINDOW			(UINT64_C(1) << 34)
#define WORD_BARE			(UINT64_C(1) << 35)
#define WORD_NEWVALUES		(UINT64_C(1) << 36)

/* hasmore= */
typedef enum HasMore
{
	HASMORE_TRUTH,
	HASMORE_ABSENT,
	HASMORE_LIE_TRUE,
	HASMORE_LIE_FALSE
} HasMore;

/* retryafter= of the rate limiter */
typedef enum RetryAfter
{
	RETRYAFTER_YES,
	RETRYAFTER_NO,
	RETRYAFTER_DATE
} RetryAfter;

typedef enum FaultKind
{
	FAULT_OK,					/* no fault: keeps later faults from matching */
	FAULT_STATUS,
	FAULT_CODE,
	FAULT_LATENCY,
	FAULT_STALL,
	FAULT_DRIP,
	FAULT_RESET,
	FAULT_CLOSE,
	FAULT_TRUNCATE,
	FAULT_BADGZIP,
	FAULT_BOMB,
	FAULT_BIG,
	FAULT_FIELD,
	FAULT_HTML,
	FAULT_BODY,
	FAULT_SHAPE
} FaultKind;

/* at= */
typedef enum Place
{
	PLACE_DEFAULT,
	PLACE_BEFORE,
	PLACE_HEADERS,
	PLACE_BODY,
	PLACE_END
} Place;

/* how= */
typedef enum How
{
	HOW_LENGTH,
	HOW_CHUNKED,
	HOW_CLOSE,
	HOW_GZIP
} How;

/* Numbers from lo to hi; both 0: any. */
typedef struct Range
{
	long		lo;
	long		hi;
} Range;

/* Text arguments point into the text that scenario_parse() was given. */
typedef struct Fault
{
	FaultKind	kind;
	uint64_t	id;				/* tells this fault's counters from others' */
	uint64_t	words;

	/* selectors */
	Range		nth;			/* request number within the scenario */
	Range		attempt;		/* request number for this very page */
	Range		page;
	const char *region;
	const char *order_by;
	long		period;
	long		times;			/* at most so often */
	long		every;			/* every Nth that matches */

	/* what it does */
	long		delay;			/* ms before anything else */
	long		code;
	long		ms;
	long		bytes;			/* -1: half */
	long		mb;
	long		depth;
	long		index;			/* of the video, from 1; 0: all */
	Place		at;
	How			how;
	const char *after;			/* Retry-After */
	const char *location;		/* Location */
	const char *message;
	const char *name;			/* of a field */
	const char *as;				/* value of that field */
} Fault;

typedef struct Settings
{
	char		name[NAME_SIZE];
	const char *key;			/* NULL: the default; "any": not checked */
	const char *country;		/* of all videos, whatever was asked */
	uint64_t	words;
	long		total;			/* videos a list has */
	long		hashtags;		/* hashtags a list has */
	long		lietotal;		/* total that is announced, -1: the truth */
	long		offset;			/* rank 1 is what had been rank 1 + offset */
	long		shift;			/* videos inserted before, per page number */
	long		churn;			/* videos inserted before, per request */
	long		limitcap;
	long		pagesize;		/* rows of a page whatever limit asks, or 0 */
	long		echolimit;		/* limit that is echoed, or 0: the truth */
	long		okstatus;		/* HTTP status of good answers */
	long		clock;			/* seconds that the Date header is fast */
	long		latency;		/* ms */
	const char *cachestatus;	/* header Cache-Status, or NULL */
	const char *age;			/* header Age, or NULL */
	long		now;			/* clock of the cover URLs, 0: the real one */
	long		quota;			/* requests until 402, -1: no end */
	Range		empty;			/* pages without videos */
	HasMore		hasmore;
	double		qps;			/* 0: no rate limit */
	long		burst;
	long		penalise;		/* ms */
	RetryAfter	retryafter;
	int			nfaults;
	Fault		faults[MAX_FAULTS];
} Settings;

/*
 * Parse the first path segment of a URL, still percent-encoded; segment is
 * changed, and must live as long as settings.  Returns false with a message
 * for the author of the test, cut to size bytes.
 */
extern bool scenario_parse(char *segment, Settings *settings,
						   char *error, size_t size);

/* Undo percent-encoding in place; NULs are dropped. */
extern void url_decode(char *text);

#endif							/* EMULATOR_SCENARIO_H */
