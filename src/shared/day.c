/*-------------------------------------------------------------------------
 *
 * day.c
 *	  What an account has spent on a UTC day, which never comes twice.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/day.h"

#define US_PER_DAY INT64CONST(86400000000)

void
keyapi_day_turn(KeyapiDay *day, int64 today, int64 now_us)
{
	bool		over = today > day->date ||
	(today < day->date && now_us - day->began_us >= US_PER_DAY);

	if (over)
		*day = (KeyapiDay)
	{
		.date = today,
			.began_us = now_us,
	};
}
