/*-------------------------------------------------------------------------
 *
 * compat_explain.h
 *	  Where each PostgreSQL release declares what EXPLAIN offers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_COMPAT_EXPLAIN_H
#define KEYAPI_COMPAT_EXPLAIN_H

#include "compat.h"

#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

#endif							/* KEYAPI_COMPAT_EXPLAIN_H */
