/*-------------------------------------------------------------------------
 *
 * query.c
 *	  The parameters of one API request.
 *
 *-------------------------------------------------------------------------
 */
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

bool
query_text(const char *raw, const char *name, char *value, size_t size)
{
	size_t		len = strlen(name);

	for (const char *p = raw; p != NULL; p = strchr(p, '&'))
	{
		p += (*p == '&');
		if (strncmp(p, name, len) == 0 && p[len] == '=')
		{
			size_t		value_len;
			char	   *copy;
			bool		ok;

			p += len + 1;
			value_len = strcspn(p, "&");
			copy = xmalloc(value_len + 1);
			memcpy(copy, p, value_len);
			copy[value_len] = '\0';
			url_decode(copy);
			ok = *copy != '\0' && strlen(copy) < size;
			if (ok)
				strcpy(value, copy);
			free(copy);
			return ok;
		}
	}
	return true;
}

bool
query_number(const char *raw, const char *name, long *number)
{
	char		digits[10] = "";

	if (!query_text(raw, name, digits, sizeof(digits)))
		return false;
	if (*digits == '\0')
		return true;
	if (digits[strspn(digits, "0123456789")] != '\0')
		return false;
	*number = atol(digits);
	return *number > 0;
}

static bool
is_order(const char *name)
{
	static const char *const orders[] = {"vv", "like", "comment", "repost"};

	for (int i = 0; i < 4; i++)
		if (strcmp(orders[i], name) == 0)
			return true;
	return false;
}

const char *
query_parse(const char *raw, bool any_value, Query *query)
{
	long		period = 7;
	const char *error = NULL;

	*query = (Query)
	{
		{
			"US", 7, "vv"
		}, 1, PAGE_LIMIT
	};
	if (raw == NULL)
		return NULL;

	if (!query_number(raw, "page", &query->page))
		error = "Invalid parameter: page";
	if (!query_number(raw, "limit", &query->limit))
		error = "Invalid parameter: limit";
	if (!query_number(raw, "period", &period) || (!any_value && period != 7 && period != 30))
		error = "Invalid parameter: period";
	query->list.period = (int) period;
	if (!query_text(raw, "region", query->list.region,
					sizeof(query->list.region)))
		error = "Invalid parameter: region";
	if (!query_text(raw, "order_by", query->list.order_by,
					sizeof(query->list.order_by)) ||
		(!any_value && !is_order(query->list.order_by)))
		error = "Invalid parameter: order_by";
	return error;
}
