/*-------------------------------------------------------------------------
 *
 * list_page.h
 *	  A page of a list that a statement has read or paid for.  No functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_LIST_PAGE_H
#define KEYAPI_LIST_PAGE_H

#include "compat.h"

#include "utils/timestamp.h"

#include "fetch/kept_pages.h"

/* A page of a statement's list, the one copy of it for all scans. */
typedef struct KeyapiListPage
{
	int			number;
	int			nrows;
	bool		last;			/* the list ends with this page */
	bool		ends_list;		/* no page after it is to be asked for: it is
								 * empty, or says that there is none */
	TimestampTz fetched_at;
	KeyapiKeptPage kept;		/* what is on it */
} KeyapiListPage;

#endif							/* KEYAPI_LIST_PAGE_H */
