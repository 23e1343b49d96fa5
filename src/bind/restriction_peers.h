/*-------------------------------------------------------------------------
 *
 * restriction_peers.h
 *	  What it means if parameters of foreign tables are compared with each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_PEERS_H
#define KEYAPI_RESTRICTION_PEERS_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/restriction_marks.h"

/*
 * If an equivalence class holds nothing but parameters of foreign tables, one of
 * the relation's among them: add what restricts the others, and return true.
 * Otherwise return false and add nothing.
 */
extern bool keyapi_add_peers(KeyapiRestrictions *restrictions, PlannerInfo *root,
							 EquivalenceClass *class, RelOptInfo *rel);

#endif							/* KEYAPI_RESTRICTION_PEERS_H */
