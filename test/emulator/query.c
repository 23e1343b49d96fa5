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

/*
 * Copy the decoded value of a parameter to value, if the query has it.
 * Returns false if it is empty or does not fit in size bytes.
 */
static bool
get_param(const char *raw, const char *name, char *value, size_t size)
{
	size_t		len = strlen(name);

	for (const char *p = raw; p != NULL; p = strchr(p, '&'))
	{
		p += (*p == '&');
		if (strncmp(p, name, len) == 0 && p[len] == '=')
		{
			size_t		value_len;
			char	   *text;
			bool		ok;

			p += len + 1;
			value_len = strcspn(p, "&");
			text = xmalloc(value_len + 1);
			memcpy(text, p, value_len);
			text[value_len] = '\0';
			url_decode(text);
			ok = *text != '\0' && strlen(text) < size;
			if (ok)
				strcpy(value, text);
			free(text);
			return ok;
		}
	}
	return true;
}

/* A positive number of at most 9 digits. */
static bool
get_number(const char *raw, const char *name, long *number)
{
	char		text[10] = "";

	if (!get_param(raw, name, text, sizeof(text)))
		return false;
	if (*text == '\0')
		return true;
	if (text[strspn(text, "0123456789")] != '\0')
		return false;
	*number = atol(text);
	return *number > 0;
}

static bool
is_order(const char *text)
{
	static const char *const orders[] = {"vv", "like", "comment", "repost"};

	for (int i = 0; i < 4; i++)
		if (strcmp(orders[i], text) == 0)
			return true;
	return false;
}

const char *
query_parse(const char *raw, Query *query)
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

	if (!get_number(raw, "page", &query->page))
		error = "Invalid parameter: page";
	if (!get_number(raw, "limit", &query->limit))
		error = "Invalid parameter: limit";
	if (!get_number(raw, "period", &period) || (period != 7 && period != 30))
		error = "Invalid parameter: period";
	query->list.period = (int) period;
	if (!get_param(raw, "region", query->list.region,
				   sizeof(query->list.region)))
		error = "Invalid parameter: region";
	if (!get_param(raw, "order_by", query->list.order_by,
				   sizeof(query->list.order_by)) ||
		!is_order(query->list.order_by))
		error = "Invalid parameter: order_by";
	return error;
}
