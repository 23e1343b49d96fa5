/*-------------------------------------------------------------------------
 *
 * endpoint.c
 *	  The endpoints beside the one for videos, which query.c and body.c serve.
 *
 *-------------------------------------------------------------------------
 */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "data.h"

static const Endpoint *const endpoints[] = {
	&hashtags, &odd_things, &odd_bare, NULL
};

const Endpoint *
endpoint_find(const char *path)
{
	for (int i = 0; endpoints[i] != NULL; i++)
	{
		size_t		len = strlen(endpoints[i]->path);

		if (strlen(path) >= len &&
			strcmp(path + strlen(path) - len, endpoints[i]->path) == 0)
			return endpoints[i];
	}
	return NULL;
}

static bool
is_valid(const Param *param, const char *value)
{
	const char *const *values = param->values;

	if (values[0] == NULL)
		return *value != '\0';
	for (int i = 0; values[i] != NULL; i++)
		if (strcmp(values[i], value) == 0)
			return true;
	return false;
}

/*
 * Let the log and faults know the list by the names that lists of videos have.
 */
static void
name_list(List *list, const Param *param, const char *value)
{
	if (strcmp(param->name, "region") == 0)
		strcpy(list->region, value);
	else if (strcmp(param->name, "period") == 0)
		list->period = atoi(value);
}

const char *
endpoint_parse(const Endpoint *endpoint, const char *raw, Query *query)
{
	*query = (Query)
	{
		.endpoint = endpoint,
			.page = endpoint->page_is_optional ? 1 : 0,
			.limit = endpoint->page_is_optional ? endpoint->max_limit : 0,
	};
	if (!query_number(raw, endpoint->page, &query->page) || query->page < 1)
		return "Invalid parameter: page number";
	if (!query_number(raw, endpoint->limit, &query->limit) ||
		query->limit < 1 || query->limit > endpoint->max_limit)
		return "Invalid parameter: page size";
	for (int i = 0; i < QUERY_VALUES && endpoint->params[i].name != NULL; i++)
	{
		const Param *param = &endpoint->params[i];
		char	   *value = query->values[i];

		if (param->default_value != NULL)
			strcpy(value, param->default_value);
		if (!query_text(raw, param->name, value, sizeof(query->values[i])) ||
			!is_valid(param, value))
			return "Invalid parameter: one that chooses the list";
		name_list(&query->list, param, value);
	}
	return NULL;
}

void
endpoint_page(Buf *out, const Settings *settings, const Query *query)
{
	long		first = (query->page - 1) * query->limit + 1;
	long		left = query->endpoint->total(settings, query) - first + 1;
	PageRows	rows = {
		.first = first,
		.count = left < 0 ? 0 : left < query->limit ? left : query->limit,
		.has_more = left > query->limit,
		.moved = -settings->shift * (query->page - 1),
	};

	query->endpoint->add_page(out, settings, query, &rows);
}

long
endpoint_announced_total(const Settings *settings, const Query *query)
{
	return settings->lietotal >= 0 ? settings->lietotal :
		query->endpoint->total(settings, query);
}

uint64_t
endpoint_list_number(const Query *query)
{
	uint64_t	hash = HASH_SEED;

	for (int i = 0; i < QUERY_VALUES; i++)
		hash = hash_text(hash, query->values[i]) + 1;
	return hash >> 1;
}
