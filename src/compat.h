/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Every difference between PostgreSQL 15, 16, 17, 18 and 19 that this
 *	  extension meets.  No other file tests PG_VERSION_NUM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_COMPAT_H
#define KEYAPI_COMPAT_H

#include "postgres.h"

#include <time.h>

#if PG_VERSION_NUM < 150000
#error "keyapi_fdw needs PostgreSQL 15 or later"
#endif

/*
 * A function that does not return; stands first in its declaration.
 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * Macros, so that this header brings no other of the server's with it: a file that
 * uses one includes what it needs.
 */

/*
 * The headers that declare what EXPLAIN offers: how to print, and its state.
 */
#if PG_VERSION_NUM >= 180000
#define KEYAPI_EXPLAIN_FORMAT_H "commands/explain_format.h"
#define KEYAPI_EXPLAIN_STATE_H "commands/explain_state.h"
#else
#define KEYAPI_EXPLAIN_FORMAT_H "commands/explain.h"
#define KEYAPI_EXPLAIN_STATE_H "commands/explain.h"
#endif

/*
 * The header that declares sets of Vars, if they are not just lists.
 */
#if PG_VERSION_NUM >= 160000
#define KEYAPI_VAR_SETS_H "nodes/multibitmapset.h"
#else
#define KEYAPI_VAR_SETS_H "nodes/pg_list.h"
#endif

/*
 * Parameters of an ExecutorRun_hook, and how they are passed on.
 */
#if PG_VERSION_NUM >= 180000
#define KEYAPI_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count
#define KEYAPI_EXECUTOR_RUN_ARGS query, direction, count
#else
#define KEYAPI_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define KEYAPI_EXECUTOR_RUN_ARGS query, direction, count, execute_once
#endif

/*
 * Which partitions an Append or MergeAppend of the statement leaves out, or NULL.
 */
#if PG_VERSION_NUM >= 180000
#define keyapi_prune_info(append, statement) \
	((append)->part_prune_index < 0 ? NULL : \
	 (PartitionPruneInfo *) list_nth((statement)->partPruneInfos, \
									 (append)->part_prune_index))
#else
#define keyapi_prune_info(append, statement) ((append)->part_prune_info)
#endif

/*
 * Whether this is autovacuum at work, and nobody's session.
 */
#if PG_VERSION_NUM >= 170000
#define keyapi_is_autovacuum() AmAutoVacuumWorkerProcess()
#else
#define keyapi_is_autovacuum() IsAutoVacuumWorkerProcess()
#endif

/*
 * The user that a scan's permissions are checked for (a view's owner, say), or
 * InvalidOid for the current one.
 */
#if PG_VERSION_NUM >= 160000
#define keyapi_checked_user(node) \
	(castNode(ForeignScan, (node)->ss.ps.plan)->checkAsUser)
#else
#define keyapi_checked_user(node) \
	(exec_rt_fetch(castNode(ForeignScan, (node)->ss.ps.plan)->scan.scanrelid, \
				   (node)->ss.ps.state)->checkAsUser)
#endif

/*
 * A path of a foreign scan.  disabled_nodes counts before 18 only as far as the
 * costs do.
 */
#if PG_VERSION_NUM >= 180000
#define keyapi_create_path(root, rel, rows, disabled_nodes, startup_cost, \
						   total_cost, pathkeys, required_outer) \
	create_foreignscan_path(root, rel, NULL, rows, disabled_nodes, \
							startup_cost, total_cost, pathkeys, \
							required_outer, NULL, NIL, NIL)
#elif PG_VERSION_NUM >= 170000
#define keyapi_create_path(root, rel, rows, disabled_nodes, startup_cost, \
						   total_cost, pathkeys, required_outer) \
	create_foreignscan_path(root, rel, NULL, rows, startup_cost, \
							total_cost, pathkeys, required_outer, NULL, \
							NIL, NIL)
#else
#define keyapi_create_path(root, rel, rows, disabled_nodes, startup_cost, \
						   total_cost, pathkeys, required_outer) \
	create_foreignscan_path(root, rel, NULL, rows, startup_cost, \
							total_cost, pathkeys, required_outer, NULL, NIL)
#endif

/*
 * The btree strategy that a sort key stands for: < or >.
 */
#if PG_VERSION_NUM >= 180000
#define keyapi_pathkey_strategy(key) \
	((key)->pk_cmptype == COMPARE_LT ? BTLessStrategyNumber : \
	 BTGreaterStrategyNumber)
#else
#define keyapi_pathkey_strategy(key) ((key)->pk_strategy)
#endif

/*
 * Whether a clause is another form of an outer join's clause, for other join
 * orders.
 */
#if PG_VERSION_NUM >= 160000
#define keyapi_is_clone(rinfo) ((rinfo)->is_clone)
#else
#define keyapi_is_clone(rinfo) false
#endif

/*
 * The expressions that Vars of a range table entry stand for, by column, if it
 * is made of others of the same query: a join, or the grouping columns.
 */
#if PG_VERSION_NUM >= 180000
#define keyapi_rte_aliases(rte) \
	((rte)->rtekind == RTE_GROUP ? (rte)->groupexprs : \
	 (rte)->rtekind == RTE_JOIN ? (rte)->joinaliasvars : NIL)
#else
#define keyapi_rte_aliases(rte) \
	((rte)->rtekind == RTE_JOIN ? (rte)->joinaliasvars : NIL)
#endif

/*
 * Sets of Vars, as find_forced_null_vars returns them: add b to a, which must be
 * new; and the relations of the Vars that are in both.
 */
#if PG_VERSION_NUM >= 160000
#define keyapi_add_vars(a, b) mbms_add_members(a, b)
#define keyapi_vars_of_both(a, b) mbms_overlap_sets(a, b)
#else
#define keyapi_add_vars(a, b) list_concat(a, b)
#define keyapi_vars_of_both(a, b) \
	pull_varnos(NULL, (Node *) list_intersection(a, b))
#endif

/*
 * The monotonic clock, in us.  Not INSTR_TIME: from 19 on that reads the clock which
 * a setting of the session chooses, and a cursor can outlive a change of the setting.
 */
static inline int64
keyapi_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64CONST(1000000) + now.tv_nsec / 1000;
}

#define KEYAPI_PG_MAJOR (PG_VERSION_NUM / 10000)

/*
 * The number of this process among those that have a PGPROC.
 */
#if PG_VERSION_NUM >= 170000
#define keyapi_my_procno() MyProcNumber
#else
#define keyapi_my_procno() (MyProc->pgprocno)
#endif

/*
 * Shared memory that the first backend which asks for it makes.
 */
#if PG_VERSION_NUM >= 190000
#define KEYAPI_SEGMENT_INIT_PARAMS void *memory, void *arg
#define keyapi_named_segment(name, size, init, found) \
	GetNamedDSMSegment(name, size, init, found, NULL)
#elif PG_VERSION_NUM >= 170000
#define KEYAPI_SEGMENT_INIT_PARAMS void *memory
#define keyapi_named_segment(name, size, init, found) \
	GetNamedDSMSegment(name, size, init, found)
#endif

/*
 * A new kind of LWLock in shared memory, and what wait events call it: from 19 on
 * all processes know the name, before each must be told.
 */
#if PG_VERSION_NUM >= 190000
#define keyapi_new_tranche(name) LWLockNewTrancheId(name)
#define keyapi_name_tranche(tranche, name) ((void) 0)
#else
#define keyapi_new_tranche(name) LWLockNewTrancheId()
#define keyapi_name_tranche(tranche, name) LWLockRegisterTranche(tranche, name)
#endif

/*
 * How a hash table in shared memory copies its keys, where that can be chosen: an
 * initializer among its parameters.
 */
#if PG_VERSION_NUM >= 170000
#define KEYAPI_DSHASH_COPY .copy_function = dshash_memcpy,
#else
#define KEYAPI_DSHASH_COPY
#endif

/*
 * What pg_stat_activity calls a wait, once the name is known.
 */
#if PG_VERSION_NUM >= 170000
#define keyapi_new_wait_event(name) WaitEventExtensionNew(name)
#else
#define keyapi_new_wait_event(name) PG_WAIT_EXTENSION
#endif

#endif							/* KEYAPI_COMPAT_H */
