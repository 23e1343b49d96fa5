/*-------------------------------------------------------------------------
 *
 * day.h
 *	  What an account has spent on a UTC day, which never comes twice.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_DAY_H
#define KEYAPI_DAY_H

#include "compat.h"

/* All zeroes is a day long ago on which nothing was spent. */
typedef struct KeyapiDay
{
	int64		date;			/* UTC, in days since 2000-01-01 */
	int64		began_us;		/* when it was first seen, by keyapi_clock_us */
	int64		credits;
	int64		requests;
} KeyapiDay;

/*
 * Begin a new day, on which nothing is spent yet, if today (as in date) is one:
 * after the day, or before it when the day has lasted for 24 hours.  So a clock
 * that is set back over midnight does not give the same day again, and one that
 * was a year ahead for a moment does not make the day last for a year.  now_us is
 * a reading of keyapi_clock_us.
 */
extern void keyapi_day_turn(KeyapiDay *day, int64 today, int64 now_us);

#endif							/* KEYAPI_DAY_H */
