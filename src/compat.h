/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Every difference between PostgreSQL 15, 16, 17 and 18 that this
 *	  extension meets.  No other file tests PG_VERSION_NUM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_COMPAT_H
#define KEYAPI_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "keyapi_fdw needs PostgreSQL 15 or later"
#endif

#endif							/* KEYAPI_COMPAT_H */
