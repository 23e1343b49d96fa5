/*-------------------------------------------------------------------------
 *
 * restriction.c
 *	  Which parameters of a scan the query restricts elsewhere.
 *
 *-------------------------------------------------------------------------
 */
#include "bind/restriction.h"

#include "bind/exposure.h"
#include "bind/restriction_block.h"
#include "bind/restriction_outside.h"
#include "bind/restriction_peers.h"

void
keyapi_find_restrictions(KeyapiRestrictions *restrictions, PlannerInfo *root,
						 RelOptInfo *rel, const KeyapiScanTable *table)
{
	KeyapiExposure exposure = keyapi_scan_exposure(table, root);
	ListCell   *lc;

	memset(restrictions, 0, sizeof(*restrictions));
	restrictions->reason = KEYAPI_REASON_JOIN;
	keyapi_add_join_restrictions(restrictions, root, rel, &exposure);
	foreach(lc, root->eq_classes)
	{
		EquivalenceClass *class = lfirst(lc);
		uint32		params = keyapi_class_params(class, rel, &exposure);

		if (params == 0 || keyapi_add_peers(restrictions, root, class, rel))
			continue;
		keyapi_restrict(restrictions, params);
		restrictions->joined |= params;
	}
	keyapi_add_outside_restrictions(restrictions, root, &exposure);
}
