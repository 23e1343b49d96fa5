/*-------------------------------------------------------------------------
 *
 * data.c
 *	  Ids, durations, covers and regions of the videos.
 *
 *-------------------------------------------------------------------------
 */
#include "data.h"

#include <stdio.h>
#include <string.h>

/* Uploads end here: 2026-02-02 02:40 UTC. */
#define NEWEST_UPLOAD INT64_C(1770000000)

#define RANK_BITS 20
#define ID_BITS 53				/* 2^21 s = 24 days of uploads, and the low 32 */

static const struct
{
	const char *code;
	const char *name;
}			regions[] = {
	{"AU", "Australia"},
	{"BR", "Brazil"},
	{"CA", "Canada"},
	{"EG", "Egypt"},
	{"FR", "France"},
	{"DE", "Germany"},
	{"ID", "Indonesia"},
	{"IT", "Italy"},
	{"JP", "Japan"},
	{"MY", "Malaysia"},
	{"MX", "Mexico"},
	{"PH", "Philippines"},
	{"PL", "Poland"},
	{"RU", "Russia"},
	{"SA", "Saudi Arabia"},
	{"SG", "Singapore"},
	{"KR", "South Korea"},
	{"ES", "Spain"},
	{"SE", "Sweden"},
	{"TH", "Thailand"},
	{"TR", "Turkey"},
	{"AE", "United Arab Emirates"},
	{"GB", "United Kingdom"},
	{"US", "United States"},
	{"VN", "Vietnam"},
};

uint64_t
random_next(Random *rnd)
{
	/* splitmix64 */
	uint64_t	z = (rnd->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

double
random_unit(Random *rnd)
{
	return (random_next(rnd) >> 11) / 9007199254740992.0;
}

double
quantile_at(const Quantile *q, double x)
{
	while (q[1].share <= x)
		q++;
	return q->value + (q[1].value - q->value) *
		(x - q->share) / (q[1].share - q->share);
}

uint64_t
hash_text(uint64_t seed, const char *text)
{
	for (const unsigned char *p = (const unsigned char *) text; *p; p++)
		seed = (seed ^ *p) * UINT64_C(0x100000001b3);
	return seed;
}

/* 30 bits for a region: exact for codes of up to 3 bytes, else a hash. */
static uint64_t
region_bits(const char *region)
{
	size_t		len = strlen(region);
	uint64_t	bits = 0;

	if (len > 3)
		return (hash_text(HASH_SEED, region) & 0x1FFFFFFF) | 0x20000000;
	for (size_t i = 0; i < len; i++)
		bits = bits << 8 | (unsigned char) region[i];
	return bits;
}

static uint64_t
list_bits(const List *list)
{
	static const char *const orders[] = {"vv", "like", "comment", "repost"};
	uint64_t	order = 0;

	while (order < 3 && strcmp(list->order_by, orders[order]) != 0)
		order++;
	return region_bits(list->region) << 3 | (list->period == 30) << 2 | order;
}

Random
video_random(const List *list, long rank)
{
	Random		rnd = {list_bits(list) << RANK_BITS ^ (uint64_t) rank};

	rnd.state = random_next(&rnd);
	return rnd;
}

uint64_t
video_id(const List *list, long rank)
{
	const uint64_t mask = (UINT64_C(1) << ID_BITS) - 1;
	uint64_t	id = list_bits(list) << RANK_BITS |
	((uint64_t) rank & ((1 << RANK_BITS) - 1));

	/* Each step is a bijection of ID_BITS bits, hence ids stay unique. */
	for (int i = 0; i < 2; i++)
	{
		id = id * UINT64_C(0xd1342543de82ef95) & mask;
		id ^= id >> 27;
	}
	return (uint64_t) (NEWEST_UPLOAD - (int64_t) (id >> 32)) << 32 |
		(id & 0xFFFFFFFF);
}

const char *
region_name(const char *code)
{
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++)
		if (strcasecmp(regions[i].code, code) == 0)
			return regions[i].name;
	return code;
}

int
video_duration(Random *rnd)
{
	static const Quantile seconds[] = {
		{0, 1}, {.05, 9}, {.25, 17}, {.5, 42}, {.75, 77},
		{.95, 233}, {.99, 540}, {1, 3600}
	};

	return (int) quantile_at(seconds, random_unit(rnd));
}

void
video_cover(Buf *out, Random *rnd, int64_t expires)
{
	uint64_t	a = random_next(rnd),
				b = random_next(rnd);

	buf_fmt(out, "https://p16-sign-va.tiktokcdn.com/tos-maliva-p-0068c799-us/"
			"o%016llx%08llx~tplv-noop.image?dr=18692&refresh_token=%08llx"
			"&x-expires=%lld&x-signature=%016llx%08llx%%3D&t=9276707c"
			"&ps=14f1eb3e&shp=9e36835a&shcp=83ba07fd&idc=my"
			"&VideoID=v15044gf0000%016llx",
			(unsigned long long) a, (unsigned long long) (b >> 32),
			(unsigned long long) (b & 0xFFFFFFFF), (long long) expires,
			(unsigned long long) b, (unsigned long long) (a >> 32),
			(unsigned long long) (a ^ b));
}
