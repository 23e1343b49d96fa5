/*-------------------------------------------------------------------------
 *
 * data.h
 *	  The videos: everything follows from (region, period, order_by, rank).
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_DATA_H
#define EMULATOR_DATA_H

#include <stdint.h>

#include "buf.h"

/* One list of the API. */
typedef struct List
{
	char		region[65];
	int			period;
	char		order_by[8];
} List;

/* A stream of pseudo-random numbers. */
typedef struct Random
{
	uint64_t	state;
} Random;

extern uint64_t random_next(Random *rnd);
extern double random_unit(Random *rnd); /* in [0,1) */

/* The value at x of [0,1) of a distribution given by n quantiles. */
typedef struct Quantile
{
	double		share;
	double		value;
} Quantile;

extern double quantile_at(const Quantile *q, double x);

/* FNV-1a, continued from seed. */
extern uint64_t hash_text(uint64_t seed, const char *text);

#define HASH_SEED UINT64_C(0xcbf29ce484222325)

/* The numbers of the video at rank (any integer) of a list. */
extern Random video_random(const List *list, long rank);

/*
 * Its 19-digit id: unique over all lists and ranks of less than 2^20, with an
 * upload time of the weeks before February 2026 in the upper 32 bits.
 */
extern uint64_t video_id(const List *list, long rank);

/* Display name of a region, or the code itself. */
extern const char *region_name(const char *code);

/* Append a caption of the length, scripts and oddities of real ones. */
extern void video_title(Buf *out, Random *rnd, const char *region);

extern int	video_duration(Random *rnd);

/* Append the URL of a cover that expires at the given time. */
extern void video_cover(Buf *out, Random *rnd, int64_t expires);

#endif							/* EMULATOR_DATA_H */
