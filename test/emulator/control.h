/*-------------------------------------------------------------------------
 *
 * control.h
 *	  What tests ask the emulator: /_/COMMAND/NAME?argument=N
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_CONTROL_H
#define EMULATOR_CONTROL_H

#include "hold.h"

#define CONTROL_PREFIX "/_/"

typedef struct Reply
{
	int			status;			/* HTTP status; 0: not yet */
	Buf			body;			/* the caller's to free */
} Reply;

/*
 * Run the command that a raw path and query (or NULL) ask for.  An await is
 * put into hold, which has its connection set, and the status stays 0: ask
 * control_awaited() once the connection has been resumed.
 */
extern Reply control_run(const char *path, const char *query, Hold *hold);

extern Reply control_awaited(const Hold *hold);

#endif							/* EMULATOR_CONTROL_H */
