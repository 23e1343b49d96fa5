/*-------------------------------------------------------------------------
 *
 * read_ahead.h
 *	  Which pages a pass will need: to ask for them ahead, and to know what they
 *	  cost before the first is asked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_READ_AHEAD_H
#define KEYAPI_READ_AHEAD_H

#include "compat.h"

#include "scan/pages_state.h"

/*
 * How many pages in a row that hold no wanted rank are skipped before a list is
 * taken to have ended: 200 times the pages of the longest list that the API is
 * known to have.  A condition such as rank % 7 = 8 holds for no rank at all, and
 * asking where the list ends would cost money for nothing.
 */
#define KEYAPI_MAX_SKIPS 5000

/*
 * Whether the pass may want a row of the page with this number, by the page
 * size of the moment.
 */
extern bool keyapi_pages_wants(const KeyapiPages *pages,
							   const KeyapiListCursor *cursor, int number);

/*
 * Ask for up to window pages that the pass will need.  Returns what is left of the
 * window when there are no more such pages, or none of which that is sure.
 */
extern int	keyapi_pages_ask_ahead(KeyapiPages *pages, int window);

/*
 * The same for a later pass (keyapi_pages_later): pages that have been asked for
 * already do not count.  False if no page of it is missing any more.
 */
extern bool keyapi_pages_ask_later(KeyapiPages *later, int *window);

/*
 * Ask for the pages that will be needed next, as far as demand and
 * max_concurrency allow.
 */
extern void keyapi_pages_look_ahead(KeyapiPages *pages);

/*
 * Before the first request of a pass that will be read to its end: raise 54000
 * if the statement may not spend as much as that can cost.  The cache spares all
 * lists of the pass from then on.
 */
extern void keyapi_pages_check_price(KeyapiPages *pages);

#endif							/* KEYAPI_READ_AHEAD_H */
