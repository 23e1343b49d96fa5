/*-------------------------------------------------------------------------
 *
 * restriction_block.h
 *	  What the clauses, joins and equivalence classes of one query block restrict.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_RESTRICTION_BLOCK_H
#define KEYAPI_RESTRICTION_BLOCK_H

#include "compat.h"

#include "nodes/pathnodes.h"

#include "bind/exposure.h"
#include "bind/restriction_marks.h"

/*
 * Add a clause that filters rows: it restricts the exposed parameters in it.
 * NULL adds nothing.
 */
extern void keyapi_add_restriction(KeyapiRestrictions *restrictions,
								   Node *clause, KeyapiExposure *exposure);

/*
 * Add an anti join with this condition, an implicitly ANDed list: it restricts
 * the exposed parameters of a relation on its left if the condition compares
 * nothing else of that relation.  exposure->only is changed.
 */
extern void keyapi_add_anti_join(KeyapiRestrictions *restrictions, List *quals,
								 const Bitmapset *left, KeyapiExposure *exposure);

/*
 * The relations (varnos) below a node of a join tree, joins included.
 */
extern Bitmapset *keyapi_rels_below(Node *node);

/*
 * Add the joins that filter a relation, or an append relation that it is a child
 * of: clauses, and anti joins of the block.
 */
extern void keyapi_add_join_restrictions(KeyapiRestrictions *restrictions,
										 PlannerInfo *root, RelOptInfo *rel,
										 KeyapiExposure *exposure);

/*
 * The exposed parameters that an equivalence class equates with something of
 * another relation.
 */
extern uint32 keyapi_class_params(EquivalenceClass *class, RelOptInfo *rel,
								  KeyapiExposure *exposure);

/*
 * Add everything of the block that filters a relation: its own clauses, its joins
 * and its equivalence classes (except one; NULL: all).
 */
extern void keyapi_add_rel_restrictions(KeyapiRestrictions *restrictions,
										PlannerInfo *root, RelOptInfo *rel,
										KeyapiExposure *exposure,
										EquivalenceClass *except);

#endif							/* KEYAPI_RESTRICTION_BLOCK_H */
