/*-------------------------------------------------------------------------
 *
 * day_test.c
 *	  The day of an account, with clocks that are set.  Prints TAP.
 *
 *-------------------------------------------------------------------------
 */
#include "shared/day.h"

#include <stdio.h>

#define US_PER_HOUR INT64CONST(3600000000)

#define TODAY 9000

static int	ntests = 0;
static int	nfailed = 0;

static KeyapiDay day;

/*
 * The clock says today, hours after the start of the machine; test whether that
 * is a new day.
 */
static void
turns(int64 today, int hours, bool expected, const char *name)
{
	day.credits = 2;
	keyapi_day_turn(&day, today, hours * US_PER_HOUR);
	ntests++;
	if ((day.credits == 0) != expected)
		nfailed++;
	printf("%sok %d - %s\n", (day.credits == 0) == expected ? "" : "not ", ntests, name);
}

int
main(void)
{
	turns(TODAY, 1, true, "the first day");
	turns(TODAY, 2, false, "... goes on");
	turns(TODAY - 1, 3, false, "... when the clock is set back over midnight");
	turns(TODAY, 4, false, "... and after that midnight");
	turns(TODAY + 1, 5, true, "the next day");
	turns(TODAY + 7000, 6, true, "a clock that is years ahead");
	turns(TODAY + 1, 7, false, "... is set right: no fresh day");
	turns(TODAY + 1, 29, false, "... within 24 hours");
	turns(TODAY + 2, 30, true, "... but then");
	turns(TODAY + 3, 31, true, "... and from then on as usual");
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
