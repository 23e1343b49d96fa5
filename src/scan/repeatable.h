/*-------------------------------------------------------------------------
 *
 * repeatable.h
 *	  Whether a part of a plan may be run a second time, to see its rows beforehand.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_REPEATABLE_H
#define KEYAPI_REPEATABLE_H

#include "compat.h"

#include "nodes/plannodes.h"

/*
 * Whether another run of the plan, in the same executor, gives the same rows and has
 * no effect: it reads local tables and functions that are not volatile, with nodes
 * that are known to be harmless, and takes no parameters.
 */
extern bool keyapi_plan_is_repeatable(const PlannedStmt *statement, const Plan *plan);

#endif							/* KEYAPI_REPEATABLE_H */
