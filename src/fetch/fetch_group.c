/*-------------------------------------------------------------------------
 *
 * fetch_group.c
 *	  What the fetchers of a query have in common.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/fetch_group.h"

#include "utils/memutils.h"

static dlist_head groups = DLIST_STATIC_INIT(groups);

static void
forget(void *arg)
{
	KeyapiFetchGroup *group = arg;

	dlist_delete(&group->node);
}

static KeyapiFetchGroup *
create(Oid serverid, Oid userid)
{
	KeyapiFetchGroup *group = palloc0(sizeof(KeyapiFetchGroup));
	MemoryContextCallback *on_delete = palloc0(sizeof(MemoryContextCallback));

	group->query = CurrentMemoryContext;
	group->serverid = serverid;
	group->userid = userid;
	dlist_init(&group->lent);
	dlist_push_head(&groups, &group->node);
	on_delete->func = forget;
	on_delete->arg = group;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, on_delete);
	return group;
}

KeyapiFetchGroup *
keyapi_fetch_group(Oid serverid, Oid userid)
{
	dlist_iter	iter;

	dlist_foreach(iter, &groups)
	{
		KeyapiFetchGroup *group = dlist_container(KeyapiFetchGroup, node, iter.cur);

		if (group->query == CurrentMemoryContext &&
			group->serverid == serverid && group->userid == userid)
			return group;
	}
	return create(serverid, userid);
}
