/*-------------------------------------------------------------------------
 *
 * restriction_outside.h
 *	  What the query blocks around a scan's own restrict.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_OUTSIDE_H
#define KEYAPI_RESTRICTION_OUTSIDE_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/exposure.h"
#include "bind/restriction_marks.h"

/*
 * Add what HAVING and the blocks around this one restrict, given what the
 * columns of this block expose.
 */
extern void keyapi_add_outside_restrictions(KeyapiRestrictions *restrictions,
											PlannerInfo *root,
											KeyapiExposure *exposure);

#endif							/* KEYAPI_RESTRICTION_OUTSIDE_H */
