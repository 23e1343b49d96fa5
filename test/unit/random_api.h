/*-------------------------------------------------------------------------
 *
 * random_api.h
 *	  An API made up at random, and a fetcher (fetch/fetcher.h) that gets its
 *	  pages.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RANDOM_API_H
#define RANDOM_API_H

#include "postgres.h"

#define MAX_LENGTH 150			/* items of a list */
#define MAX_CONCURRENCY 8

typedef enum Echo
{
	ECHO_RIGHT,
	ECHO_ROWS,					/* the page's number of items */
	ECHO_ASKED,
	ECHO_FIXED,
	ECHO_CHANGING,
	ECHO_MISSING,
	NUM_ECHOES
} Echo;

typedef enum Total
{
	TOTAL_RIGHT,
	TOTAL_LOW,
	TOTAL_HIGH,
	TOTAL_ZERO,
	TOTAL_PAGE,					/* the page's number of items */
	TOTAL_MISSING,
	NUM_TOTALS
} Total;

/* What the server is like. */
typedef struct Api
{
	int			length;			/* positions of the list */
	int			asked;			/* page size that is asked for */
	int			size;			/* ... and that is applied */
	bool		gaps;			/* some pages lack some of their items */
	int			empty_page;		/* a page without items inside the list, or 0 */
	Echo		echo;
	int			fixed_echo;
	Total		total;
	int			total_error;	/* TOTAL_LOW, TOTAL_HIGH: by so much */
	bool		has_more;		/* is there, and right */
	uint64		seed;			/* of what differs from page to page */
} Api;

/* The one of the current case. */
extern Api	api;

/* Requests of the fetcher that may be in flight. */
extern int	api_concurrency;

/* Requests that it has sent. */
extern int	api_requests;

/*
 * Begin a case: the same seed makes the same numbers.
 */
extern void api_begin(uint64 seed);

/*
 * A random number from lo to hi; and one that is the same for the same page of
 * this API.
 */
extern int	pick(int lo, int hi);
extern int	pick_for_page(int page, int lo, int hi);

/*
 * The API's pages; and how many items, and which limit, one has.
 */
extern int	num_pages(void);
extern int	items_on_page(int page);
extern int	echo_of_page(int page);

#endif							/* RANDOM_API_H */
