/*-------------------------------------------------------------------------
 *
 * repair.c
 *	  Almost-JSON -> JSON that a strict parser takes.
 *
 * One pass over the bytes, token by token.  It needs no recursion, because it
 * does not matter how deep a token is nested.
 *
 *-------------------------------------------------------------------------
 */
#include "json/repair.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"	/* U+FFFD in UTF-8 */

/* Length of the escape of one UTF-16 unit: \uXXXX */
#define UNIT_LEN 6

/*
 * Decimal digits before the point from which a number may exceed DBL_MAX
 * (1.8e308 has 309).  Those from 1e308 on are all treated as if they did.
 */
#define DOUBLE_DIGITS 309

/* Largest exponent worth counting: more digits than any body has. */
#define EXPONENT_LIMIT INT64_C(1000000000000)

typedef struct Lexer
{
	const char *p;				/* next byte */
	const char *end;
	KeyapiStrBuf *out;
	bool		incomplete;		/* the body ends inside a token */
} Lexer;

static inline bool
is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static inline const char *
skip_digits(const char *p, const char *end)
{
	while (is_digit(p, end))
		p++;
	return p;
}

/* Pass the next n bytes on as they are. */
static inline void
keep(Lexer *lex, size_t n)
{
	keyapi_strbuf_append(lex->out, lex->p, n);
	lex->p += n;
}

/* Replace the next n bytes by U+FFFD. */
static inline void
replace(Lexer *lex, size_t n)
{
	keyapi_strbuf_append(lex->out, REPLACEMENT, strlen(REPLACEMENT));
	lex->p += n;
}

/* The body ends inside a token, whose rest begins here: leave it out. */
static inline void
drop_rest(Lexer *lex)
{
	lex->incomplete = true;
	lex->p = lex->end;
}

/*
 * One character of two to four bytes.  In a broken one, the bytes that could
 * begin a character become one U+FFFD together, as Unicode recommends.
 */
static void
multibyte_char(Lexer *lex)
{
	/* The second byte's range keeps out overlong forms and surrogates. */
	static const struct
	{
		unsigned char first,
					last,
					min2,
					max2;
		int			len;
	}			forms[] = {
		{0xC2, 0xDF, 0x80, 0xBF, 2},
		{0xE0, 0xE0, 0xA0, 0xBF, 3},
		{0xE1, 0xEC, 0x80, 0xBF, 3},
		{0xED, 0xED, 0x80, 0x9F, 3},
		{0xEE, 0xEF, 0x80, 0xBF, 3},
		{0xF0, 0xF0, 0x90, 0xBF, 4},
		{0xF1, 0xF3, 0x80, 0xBF, 4},
		{0xF4, 0xF4, 0x80, 0x8F, 4},
	};
	const int	nforms = sizeof(forms) / sizeof(forms[0]);
	const unsigned char *p = (const unsigned char *) lex->p;
	const unsigned char *end = (const unsigned char *) lex->end;
	int			i = 0;
	int			n = 1;

	while (i < nforms && (p[0] < forms[i].first || p[0] > forms[i].last))
		i++;
	while (i < nforms && n < forms[i].len && p + n < end &&
		   p[n] >= (n == 1 ? forms[i].min2 : 0x80) &&
		   p[n] <= (n == 1 ? forms[i].max2 : 0xBF))
		n++;
	if (i < nforms && n == forms[i].len)
		keep(lex, n);
	else
		replace(lex, n);
}

/*
 * Value of a hexadecimal digit, or -1.
 */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The UTF-16 unit that is escaped at p, UNIT_CUT if the body ends inside the
 * escape, or UNIT_NONE if no such escape is there.
 */
#define UNIT_NONE (-1)
#define UNIT_CUT (-2)

static int
unit_at(const char *p, const char *end)
{
	int			unit = 0;

	for (int i = 0; i < UNIT_LEN; i++)
	{
		if (p + i == end)
			return UNIT_CUT;
		if (i < 2 && p[i] != "\\u"[i])
			return UNIT_NONE;
		if (i >= 2)
		{
			if (hex_value(p[i]) < 0)
				return UNIT_NONE;
			unit = unit * 16 + hex_value(p[i]);
		}
	}
	return unit;
}

static void
escape(Lexer *lex)
{
	int			unit = unit_at(lex->p, lex->end);

	if (unit == UNIT_CUT)
		drop_rest(lex);
	else if (unit == UNIT_NONE)
	{
		/* A character that may not be escaped is repaired or kept by itself. */
		keep(lex, lex->p[1] == '"' || lex->p[1] == '\\' ? 2 : 1);
	}
	else if (unit >= 0xD800 && unit <= 0xDBFF)
	{
		int			low = unit_at(lex->p + UNIT_LEN, lex->end);

		if (low >= 0xDC00 && low <= 0xDFFF)
			keep(lex, 2 * UNIT_LEN);
		else
			replace(lex, UNIT_LEN);
	}
	else if (unit == 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
		replace(lex, UNIT_LEN);
	else
		keep(lex, UNIT_LEN);
}

/*
 * From the opening quote to the closing one, or to the end of the body.
 */
static void
string(Lexer *lex)
{
	keep(lex, 1);
	while (lex->p < lex->end)
	{
		const char *plain = lex->p;
		unsigned char c;

		while (plain < lex->end && (unsigned char) *plain >= 0x20 &&
			   (unsigned char) *plain < 0x80 && *plain != '"' && *plain != '\\')
			plain++;
		keep(lex, plain - lex->p);
		if (lex->p == lex->end)
			break;

		c = (unsigned char) *lex->p;
		if (c == '"')
		{
			keep(lex, 1);
			return;
		}
		if (c == '\\')
			escape(lex);
		else if (c >= 0x80)
			multibyte_char(lex);
		else if (c == '\0')
			replace(lex, 1);
		else
		{
			char		escaped[UNIT_LEN + 1];

			snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned int) c);
			keyapi_strbuf_append(lex->out, escaped, UNIT_LEN);
			lex->p++;
		}
	}
}

/*
 * Whether the integer text [p, end), without sign, is too large for 64 bits.
 */
static bool
integer_overflows(const char *p, const char *end, bool negative)
{
	uint64_t	limit = negative ? (uint64_t) INT64_MAX + 1 : INT64_MAX;
	uint64_t	value = 0;

	for (; p < end; p++)
	{
		unsigned int digit = (unsigned int) (*p - '0');

		if (value > (limit - digit) / 10)
			return true;
		value = value * 10 + digit;
	}
	return false;
}

/*
 * Whether a number may be too large for a double.  It has its integer digits in
 * [p, point), fraction digits in (point, exp), if any, and this exponent.
 */
static bool
real_overflows(const char *p, const char *point, const char *exp,
			   int64_t exponent)
{
	const char *lead = p;

	/* its magnitude is where the first digit that is not 0 stands */
	while (lead < exp && (*lead == '0' || *lead == '.'))
		lead++;
	if (lead == exp)
		return false;
	return (lead < point ? point - lead : point + 1 - lead) + exponent >= DOUBLE_DIGITS;
}

/*
 * Value of the exponent [p, end), from its e on.
 */
static int64_t
exponent_value(const char *p, const char *end)
{
	bool		negative = p + 1 < end && p[1] == '-';
	int64_t		value = 0;

	for (; p < end; p++)
	{
		if (is_digit(p, end) && value < EXPONENT_LIMIT)
			value = value * 10 + (*p - '0');
	}
	return negative ? -value : value;
}

/*
 * A number, from its sign or first digit on.  The parser refuses leading zeros
 * and the like.
 */
static void
number(Lexer *lex)
{
	const char *end = lex->end;
	bool		negative = *lex->p == '-';
	const char *digits = lex->p + negative;
	const char *p = skip_digits(digits, end);
	const char *point = p;
	const char *exp;
	bool		overflows;

	if (p > digits && p < end && *p == '.')
		p = skip_digits(p + 1, end);
	exp = p;
	if (p > digits && p < end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < end && (*p == '-' || *p == '+'))
			p++;
		p = skip_digits(p, end);
	}

	if (!is_digit(p - 1, end))
	{
		/* "-", "1." or "1e": cut, or wrong */
		if (p == end)
			drop_rest(lex);
		else
			keep(lex, (size_t) (p - lex->p));
		return;
	}

	if (p == point)
		overflows = integer_overflows(digits, p, negative);
	else
		overflows = real_overflows(digits, point, exp, exponent_value(exp, p));
	if (overflows)
		keyapi_strbuf_append(lex->out, "\"", 1);
	keep(lex, (size_t) (p - lex->p));
	if (overflows)
		keyapi_strbuf_append(lex->out, "\"", 1);
}

/*
 * A word: true, false, null, or something that the parser will refuse.
 */
static void
word(Lexer *lex)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *p = lex->p;
	size_t		n;

	while (p < lex->end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
		p++;
	n = (size_t) (p - lex->p);
	if (p == lex->end)
	{
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		{
			if (n < strlen(words[i]) && memcmp(lex->p, words[i], n) == 0)
			{
				drop_rest(lex);
				return;
			}
		}
	}
	keep(lex, n);
}

bool
keyapi_json_repair(const char *body, size_t len, KeyapiStrBuf *out)
{
	Lexer		lex = {.p = body,.end = body + len,.out = out};

	while (lex.p < lex.end)
	{
		unsigned char c = (unsigned char) *lex.p;

		if (c == '"')
			string(&lex);
		else if (c == '-' || is_digit(lex.p, lex.end))
			number(&lex);
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			word(&lex);
		else if (c == '\0' || c >= 0x80)
			replace(&lex, 1);
		else
			keep(&lex, 1);
	}
	return lex.incomplete;
}
