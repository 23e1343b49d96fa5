/*-------------------------------------------------------------------------
 *
 * unbound.h
 *	  Why a scan cannot run: a parameter whose values nothing tells (0A000).
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_UNBOUND_H
#define KEYAPI_UNBOUND_H

#include "compat.h"

#include "bind/scan_table.h"

/*
 * What is wrong with a scan that restricts a parameter in a way that does not
 * tell its values or, if restricted is false, says nothing about it although it
 * has no default.  Palloc'd.
 */
extern char *keyapi_unbound_message(const KeyapiScanTable *table, int param,
									bool restricted);

/*
 * Raise it.  from_outside: what restricts the parameter is not a condition on
 * the table alone.
 */
pg_noreturn extern void keyapi_unbound_error(const KeyapiScanTable *table,
											 int param, bool restricted,
											 bool from_outside);

#endif							/* KEYAPI_UNBOUND_H */
