/*-------------------------------------------------------------------------
 *
 * title.c
 *	  Captions: words, scripts, emoji, hashtags and lengths in the
 *	  proportions that real captions have.
 *
 *-------------------------------------------------------------------------
 */
#include "data.h"

#include <string.h>

#include "words.inc"

#define MAX_TITLE_CHARS 4000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Script
{
	double		share;			/* of all captions */
	const char *regions;		/* where it is the rule */
	const char *const *words;
	size_t		nwords;
} Script;

static const Script scripts[] = {
	{.20, "TH", thai, COUNT(thai)},
	{.07, "JP", katakana, COUNT(katakana)},
	{.007, "CN TW HK", cjk, COUNT(cjk)},
	{.006, "RU", cyrillic, COUNT(cyrillic)},
	{.004, "KR", hangul, COUNT(hangul)},
	{.003, "", mathematical, COUNT(mathematical)},
	{.001, "SA AE EG", arabic, COUNT(arabic)},
};

static bool
chance(Random *rnd, double share)
{
	return random_unit(rnd) < share;
}

static const char *
pick(Random *rnd, const char *const *words, size_t n)
{
	return words[random_next(rnd) % n];
}

static int
count_chars(const char *word)
{
	int			n = 0;

	for (; *word; word++)
		n += (*word & 0xC0) != 0x80;
	return n;
}

/* A caption under construction: chars are counted, never over the target. */
typedef struct Caption
{
	Buf		   *out;
	int			chars;
	int			target;
} Caption;

/* Append a word, after a space if it is not the first, if there is room. */
static bool
add_word(Caption *cap, const char *word)
{
	int			chars = count_chars(word) + (cap->chars > 0);

	if (cap->chars + chars > cap->target)
		return false;
	if (cap->chars > 0)
		buf_char(cap->out, ' ');
	buf_str(cap->out, word);
	cap->chars += chars;
	return true;
}

/* The script of a caption besides Latin, or NULL. */
static const Script *
choose_script(Random *rnd, const char *region)
{
	double		dice = random_unit(rnd);
	bool		local = chance(rnd, .6);

	for (size_t i = 0; i < COUNT(scripts); i++)
	{
		if (local && strlen(region) == 2 &&
			strstr(scripts[i].regions, region) != NULL)
			return &scripts[i];
		if (dice < scripts[i].share)
			return &scripts[i];
		dice -= scripts[i].share;
	}
	return NULL;
}

static void
add_sentence(Caption *cap, Random *rnd, const Script *script)
{
	int			end = cap->target * 55 / 100;

	while (cap->chars < end)
	{
		bool		foreign = script != NULL && chance(rnd, .8);
		const char *word = foreign ?
		pick(rnd, script->words, script->nwords) :
		pick(rnd, latin, COUNT(latin));

		if (!add_word(cap, word))
			break;
	}
}

/* What is rare in captions, and what parsers trip over. */
static void
add_oddities(Caption *cap, Random *rnd)
{
	if (chance(rnd, .43))
		for (int n = 1 + random_next(rnd) % 3; n > 0; n--)
			add_word(cap, pick(rnd, emoji, COUNT(emoji)));
	if (chance(rnd, .015))
		add_word(cap, pick(rnd, zwj, COUNT(zwj)));
	if (chance(rnd, .065))
		add_word(cap, pick(rnd, vs16, COUNT(vs16)));
	if (chance(rnd, .017))
		add_word(cap, "\"no way\"");
	if (chance(rnd, .004))
		add_word(cap, "line one\nline two");
	if (chance(rnd, .002))
		add_word(cap, SHRUG);
}

void
video_title(Buf *out, Random *rnd, const char *region)
{
	static const Quantile lengths[] = {
		{0, 1}, {.25, 60}, {.5, 89}, {.75, 141}, {.95, 435},
		{.99, 1253}, {.999, 2200}, {1, MAX_TITLE_CHARS + 1}
	};
	Caption		cap = {.out = out};
	bool		trailing_space;

	if (chance(rnd, .0047))
		return;

	cap.target = (int) quantile_at(lengths, random_unit(rnd));
	trailing_space = cap.target > 1 && chance(rnd, .737);
	cap.target -= trailing_space;

	if (!chance(rnd, .149))
		add_sentence(&cap, rnd, choose_script(rnd, region));
	add_oddities(&cap, rnd);
	if (chance(rnd, .975))
		while (add_word(&cap, pick(rnd, tags, COUNT(tags))))
			;
	if (cap.chars == 0)
		buf_char(out, '#');
	if (trailing_space)
		buf_char(out, ' ');
}
