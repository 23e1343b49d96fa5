/*-------------------------------------------------------------------------
 *
 * price.h
 *	  What a pass costs at least, by the number of its lists: to refuse one that
 *	  names very many before they are opened.
 *
 * The price page by page: read_ahead.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_PRICE_H
#define KEYAPI_PRICE_H

#include "compat.h"

#include "scan/pages_state.h"

/*
 * Before the lists of a pass are opened, with pages->pass and pages->demand set:
 * raise 54000 if all rows will be read, and even one request for each list that
 * needs any is more than the statement may spend.
 */
extern void keyapi_price_check_number(const KeyapiPages *pages);

#endif							/* KEYAPI_PRICE_H */
