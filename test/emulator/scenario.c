/*-------------------------------------------------------------------------
 *
 * scenario.c
 *	  What a base_url asks for: NAME;setting;setting=value;fault=...
 *
 *-------------------------------------------------------------------------
 */
#include "scenario.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define MAX_NUMBER 2000000000L

typedef enum ItemType
{
	ITEM_NUMBER,				/* long */
	ITEM_REAL,					/* double */
	ITEM_RANGE,					/* Range */
	ITEM_TEXT,					/* const char * */
	ITEM_CHOICE					/* enum: index into choices */
} ItemType;

typedef struct Item
{
	const char *name;
	ItemType	type;
	size_t		offset;
	const char *choices;		/* "|a|b|c|": 0, 1, 2 */
} Item;

#define SETTING(field) offsetof(Settings, field)
#define ARGUMENT(field) offsetof(Fault, field)

static const Item setting_items[] = {
	{"total", ITEM_NUMBER, SETTING(total)},
	{"hashtags", ITEM_NUMBER, SETTING(hashtags)},
	{"lietotal", ITEM_NUMBER, SETTING(lietotal)},
	{"offset", ITEM_NUMBER, SETTING(offset)},
	{"shift", ITEM_NUMBER, SETTING(shift)},
	{"churn", ITEM_NUMBER, SETTING(churn)},
	{"limitcap", ITEM_NUMBER, SETTING(limitcap)},
	{"pagesize", ITEM_NUMBER, SETTING(pagesize)},
	{"echolimit", ITEM_NUMBER, SETTING(echolimit)},
	{"okstatus", ITEM_NUMBER, SETTING(okstatus)},
	{"clock", ITEM_NUMBER, SETTING(clock)},
	{"latency", ITEM_NUMBER, SETTING(latency)},
	{"now", ITEM_NUMBER, SETTING(now)},
	{"quota", ITEM_NUMBER, SETTING(quota)},
	{"empty", ITEM_RANGE, SETTING(empty)},
	{"hasmore", ITEM_CHOICE, SETTING(hasmore), "|truth|absent|lie-true|lie-false|"},
	{"cachestatus", ITEM_TEXT, SETTING(cachestatus)},
	{"age", ITEM_TEXT, SETTING(age)},
	{"key", ITEM_TEXT, SETTING(key)},
	{"country", ITEM_TEXT, SETTING(country)},
	{"qps", ITEM_REAL, SETTING(qps)},
	{"burst", ITEM_NUMBER, SETTING(burst)},
	{"penalise", ITEM_NUMBER, SETTING(penalise)},
	{"retryafter", ITEM_CHOICE, SETTING(retryafter), "|yes|no|date|"},
	{NULL}
};

static const Item argument_items[] = {
	{"nth", ITEM_RANGE, ARGUMENT(nth)},
	{"try", ITEM_RANGE, ARGUMENT(attempt)},
	{"page", ITEM_RANGE, ARGUMENT(page)},
	{"region", ITEM_TEXT, ARGUMENT(region)},
	{"period", ITEM_NUMBER, ARGUMENT(period)},
	{"order_by", ITEM_TEXT, ARGUMENT(order_by)},
	{"times", ITEM_NUMBER, ARGUMENT(times)},
	{"every", ITEM_NUMBER, ARGUMENT(every)},
	{"delay", ITEM_NUMBER, ARGUMENT(delay)},
	{"code", ITEM_NUMBER, ARGUMENT(code)},
	{"ms", ITEM_NUMBER, ARGUMENT(ms)},
	{"bytes", ITEM_NUMBER, ARGUMENT(bytes)},
	{"mb", ITEM_NUMBER, ARGUMENT(mb)},
	{"depth", ITEM_NUMBER, ARGUMENT(depth)},
	{"index", ITEM_NUMBER, ARGUMENT(index)},
	{"at", ITEM_CHOICE, ARGUMENT(at), "||before|headers|body|end|"},
	{"how", ITEM_CHOICE, ARGUMENT(how), "|length|chunked|close|gzip|"},
	{"after", ITEM_TEXT, ARGUMENT(after)},
	{"location", ITEM_TEXT, ARGUMENT(location)},
	{"message", ITEM_TEXT, ARGUMENT(message)},
	{"name", ITEM_TEXT, ARGUMENT(name)},
	{"as", ITEM_TEXT, ARGUMENT(as)},
	{NULL}
};

static const struct
{
	const char *name;
	uint64_t	bit;
}			words[] = {
	{"endless", WORD_ENDLESS},
	{"samepage", WORD_SAMEPAGE},
	{"example", WORD_EXAMPLE},
	{"plainids", WORD_PLAINIDS},
	{"forbidden", WORD_FORBIDDEN},
	{"nogzip", WORD_NOGZIP},
	{"msg", WORD_MSG},
	{"size", WORD_SIZE},
	{"total", WORD_TOTAL},
	{"list", WORD_LIST},
	{"norequestid", WORD_NOREQUESTID},
	{"nodata", WORD_NODATA},
	{"nulldata", WORD_NULLDATA},
	{"novideos", WORD_NOVIDEOS},
	{"nopagination", WORD_NOPAGINATION},
	{"nototal", WORD_NOTOTAL},
	{"nomessage", WORD_NOMESSAGE},
	{"nocode", WORD_NOCODE},
	{"author", WORD_AUTHOR},
	{"nulls", WORD_NULLS},
	{"othercountry", WORD_OTHERCOUNTRY},
	{"lowercountry", WORD_LOWERCOUNTRY},
	{"numids", WORD_NUMIDS},
	{"strings", WORD_STRINGS},
	{"floats", WORD_FLOATS},
	{"ascii", WORD_ASCII},
	{"echo", WORD_ECHO},
	{"html", WORD_HTML},
	{"bare", WORD_BARE},
	{"keepalive", WORD_KEEPALIVE},
	{"echorows", WORD_ECHOROWS},
	{"nolimit", WORD_NOLIMIT},
	{"pagetotal", WORD_PAGETOTAL},
	{"nullvideos", WORD_NULLVIDEOS},
	{"members", WORD_MEMBERS},
	{"window", WORD_WINDOW},
	{"newvalues", WORD_NEWVALUES},
	{NULL}
};

/* Names of FaultKind, in its order. */
static const char kinds[] = "|ok|status|code|latency|stall|drip|reset|close|"
"truncate|badgzip|bomb|big|field|html|body|shape|";

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

void
url_decode(char *text)
{
	char	   *to = text;

	for (const char *p = text; *p; p++)
	{
		if (p[0] == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0)
		{
			char		c = (char) (hex_digit(p[1]) * 16 + hex_digit(p[2]));

			if (c != '\0')
				*to++ = c;
			p += 2;
		}
		else
			*to++ = *p;
	}
	*to = '\0';
}

/* Position of text in "|a|b|c|", or -1. */
static int
find_choice(const char *choices, const char *text)
{
	size_t		len = strlen(text);
	int			n = 0;

	for (const char *p = choices + 1; *p; n++)
	{
		const char *end = strchr(p, '|');

		if ((size_t) (end - p) == len && memcmp(p, text, len) == 0)
			return n;
		p = end + 1;
	}
	return -1;
}

static bool
parse_number(const char *text, long *value)
{
	char	   *end;

	if (!isdigit((unsigned char) *text))
		return false;
	*value = strtol(text, &end, 10);
	return *end == '\0' && *value <= MAX_NUMBER;
}

/* N or N-M */
static bool
parse_range(char *text, Range *range)
{
	char	   *dash = strchr(text, '-');

	if (dash != NULL)
		*dash = '\0';
	return parse_number(text, &range->lo) &&
		parse_number(dash ? dash + 1 : text, &range->hi);
}

static bool
parse_real(const char *text, double *value)
{
	char	   *end;

	if (!isdigit((unsigned char) *text))
		return false;
	*value = strtod(text, &end);
	return *end == '\0' && *value <= MAX_NUMBER;
}

static bool
parse_value(const Item *item, void *target, char *value)
{
	switch (item->type)
	{
		case ITEM_NUMBER:
			return parse_number(value, target);
		case ITEM_REAL:
			return parse_real(value, target);
		case ITEM_RANGE:
			return parse_range(value, target);
		case ITEM_TEXT:
			*(const char **) target = value;
			return true;
		case ITEM_CHOICE:
			{
				int			choice = find_choice(item->choices, value);

				*(int *) target = choice;
				return choice >= 0;
			}
	}
	return false;
}

/*
 * Parse one token, "word" or "name=value", into a struct that the items
 * describe, or its words.
 */
static bool
parse_token(char *token, const Item *items, void *target, uint64_t *bits)
{
	char	   *equals = strchr(token, '=');

	if (equals == NULL)
	{
		for (int i = 0; words[i].name != NULL; i++)
			if (strcmp(words[i].name, token) == 0)
			{
				*bits |= words[i].bit;
				return true;
			}
		return false;
	}

	*equals = '\0';
	url_decode(equals + 1);
	for (const Item *item = items; item->name != NULL; item++)
		if (strcmp(item->name, token) == 0)
			return parse_value(item, (char *) target + item->offset,
							   equals + 1);
	return false;
}

static bool
fail(char *error, size_t size, const char *what, const char *token)
{
	snprintf(error, size, "emulator: %s: %.100s", what, token);
	return false;
}

/* Where a fault strikes that does not say. */
static Place
default_place(const Fault *fault)
{
	switch (fault->kind)
	{
		case FAULT_STALL:
		case FAULT_RESET:
		case FAULT_CLOSE:
			return PLACE_BEFORE;
		case FAULT_TRUNCATE:
			return fault->how == HOW_GZIP ? PLACE_END : PLACE_BODY;
		default:
			return PLACE_BODY;
	}
}

/* KIND,argument=value,word,... */
static bool
parse_fault(char *text, Settings *settings, char *error, size_t size)
{
	Fault	   *fault;
	char	   *next = NULL;
	char	   *token;
	int			kind;
	uint64_t	id = hash_text(HASH_SEED, text);

	if (settings->nfaults == MAX_FAULTS)
		return fail(error, size, "too many faults", text);
	fault = &settings->faults[settings->nfaults++];
	fault->id = id;
	fault->code = 500;
	fault->bytes = -1;
	fault->mb = 64;
	fault->ms = 100;
	fault->depth = 100000;
	fault->index = 1;

	token = strtok_r(text, ",", &next);
	kind = token ? find_choice(kinds, token) : -1;
	if (kind < 0)
		return fail(error, size, "unknown fault", token ? token : "");
	fault->kind = (FaultKind) kind;

	while ((token = strtok_r(NULL, ",", &next)) != NULL)
		if (!parse_token(token, argument_items, fault, &fault->words))
			return fail(error, size, "bad fault argument", token);
	if (fault->at == PLACE_DEFAULT)
		fault->at = default_place(fault);
	return true;
}

bool
scenario_parse(char *segment, Settings *settings, char *error, size_t size)
{
	char	   *next = NULL;
	char	   *token;

	memset(settings, 0, sizeof(*settings));
	settings->total = 500;
	settings->hashtags = 100;
	settings->lietotal = -1;
	settings->quota = -1;
	settings->burst = 1;
	settings->okstatus = 200;

	token = strtok_r(segment, ";", &next);
	if (token == NULL || strlen(token) >= NAME_SIZE ||
		token[strspn(token, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] != '\0')
		return fail(error, size, "bad scenario name", token ? token : "");
	strcpy(settings->name, token);

	while ((token = strtok_r(NULL, ";", &next)) != NULL)
	{
		if (strncmp(token, "fault=", 6) == 0)
		{
			if (!parse_fault(token + 6, settings, error, size))
				return false;
		}
		else if (!parse_token(token, setting_items, settings,
							  &settings->words))
			return fail(error, size, "bad setting", token);
	}
	return true;
}
