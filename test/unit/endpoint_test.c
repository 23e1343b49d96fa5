/*-------------------------------------------------------------------------
 *
 * endpoint_test.c
 *	  Checks that every entry of the endpoint table keeps to endpoint.h.
 *	  Prints TAP: one line an entry, and before it what is wrong.
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/endpoint.h"

/* Options that every foreign table has. */
static const KeyapiTexts table_options =
KEYAPI_TEXTS("endpoint", "page_size", "cache_ttl");

static const KeyapiTexts truth_values = KEYAPI_TEXTS("false", "true");

static const KeyapiEndpoint *endpoint;	/* the entry that is checked */
static int	nproblems;			/* of it */

static void
expect(bool condition, const char *what, const char *of)
{
	if (condition)
		return;
	printf("# %s: %s of %s\n", endpoint->path, what, of);
	nproblems++;
}

static bool
is_empty(const char *text)
{
	return text == NULL || *text == '\0';
}

static bool
is_one_of(const char *text, KeyapiTexts texts)
{
	for (; *texts != NULL; texts++)
	{
		if (strcmp(*texts, text) == 0)
			return true;
	}
	return false;
}

static int
count(KeyapiTexts texts)
{
	int			n = 0;

	while (texts[n] != NULL)
		n++;
	return n;
}

/* Names are there, or all of them may be missing. */
static void
check_names(KeyapiTexts names, bool optional, const char *of)
{
	expect(names == NULL ? optional : names[0] != NULL, "no name", of);
	for (int i = 0; names != NULL && names[i] != NULL; i++)
		expect(*names[i] != '\0', "an empty name", of);
}

static void
check_envelope(void)
{
	const KeyapiEnvelope *envelope = endpoint->envelope;

	check_names(endpoint->array, false, "the array");
	check_names(envelope->data, false, "data");
	check_names(envelope->code, true, "code");
	check_names(envelope->message, true, "message");
	check_names(envelope->request_id, true, "request_id");
	check_names(envelope->pagination, true, "pagination");
	check_names(envelope->has_more, true, "has_more");
	check_names(envelope->page_size, true, "page_size");
	check_names(envelope->total_count, true, "total_count");
	expect(envelope->pagination != NULL ||
		   (envelope->has_more == NULL && envelope->page_size == NULL &&
			envelope->total_count == NULL), "members without the object", "pagination");
}

static bool
is_value(const KeyapiParam *param, const char *value)
{
	size_t		len = strlen(value);

	if (len == 0 || len > KEYAPI_MAX_PARAM_BYTES)
		return false;
	return param->type != KEYAPI_PARAM_INTEGER ||
		strspn(value, "0123456789") == len;
}

static void
check_param(const KeyapiParam *param)
{
	expect(!is_one_of(param->name, table_options), "the name", param->name);
	expect(keyapi_endpoint_param(endpoint, param->name) == param - endpoint->params,
		   "a second parameter of the name", param->name);
	expect(strcmp(param->name, endpoint->page_param) != 0 &&
		   strcmp(param->name, endpoint->page_size_param) != 0,
		   "the place among the parameters", param->name);
	expect(!is_empty(param->default_value) && is_value(param, param->default_value),
		   "the default", param->name);
	expect(param->domain == NULL || is_one_of(param->default_value, param->domain),
		   "the default, which is not in the domain,", param->name);
	for (int i = 0; param->domain != NULL && param->domain[i] != NULL; i++)
		expect(is_value(param, param->domain[i]), "a value", param->name);
	if (param->type == KEYAPI_PARAM_BOOLEAN)
		expect(param->domain != NULL && count(param->domain) == 2 &&
			   is_one_of(truth_values[0], param->domain) &&
			   is_one_of(truth_values[1], param->domain), "the domain", param->name);
	expect(param->domain_option == NULL ||
		   (!is_one_of(param->domain_option, table_options) &&
			keyapi_endpoint_param(endpoint, param->domain_option) < 0),
		   "the domain option", param->name);
}

/* Whether a column reads the field. */
static bool
is_read(const char *field)
{
	for (int i = 0; i < endpoint->ncolumns; i++)
	{
		const KeyapiColumn *column = &endpoint->columns[i];

		if (column->kind == KEYAPI_COLUMN_FIELD && column->field != NULL &&
			strcmp(column->field, field) == 0)
			return true;
	}
	return false;
}

/* Whether the SQL type suits the parameter's. */
static bool
suits(const char *type, KeyapiParamType param_type)
{
	return strcmp(type, "text") == 0 ||
		(param_type == KEYAPI_PARAM_INTEGER && strcmp(type, "integer") == 0) ||
		(param_type == KEYAPI_PARAM_BOOLEAN && strcmp(type, "boolean") == 0);
}

static void
check_column(const KeyapiColumn *column)
{
	int			param;

	expect(!is_empty(column->type), "the type", column->name);
	expect(keyapi_endpoint_column(endpoint, column->name) == column,
		   "a second column of the name", column->name);
	switch (column->kind)
	{
		case KEYAPI_COLUMN_PARAM:
			expect(column->field != NULL && strcmp(column->field, column->name) == 0,
				   "the parameter", column->name);
			param = keyapi_endpoint_param(endpoint, column->name);
			expect(param >= 0, "the parameter", column->name);
			if (param >= 0)
				expect(suits(column->type, endpoint->params[param].type),
					   "the type", column->name);
			break;
		case KEYAPI_COLUMN_FIELD:
			expect(column->field != NULL, "the field", column->name);
			break;
		default:
			expect(column->field == NULL, "the field", column->name);
	}
}

static void
check_endpoint(void)
{
	size_t		len = strlen(endpoint->path);

	expect(keyapi_endpoint_find(endpoint->path) == endpoint, "a second entry",
		   "the path");
	expect(len > 0 && endpoint->path[0] != '/' && endpoint->path[len - 1] != '/',
		   "a slash at an end", "the path");
	expect(!is_empty(endpoint->page_param) && !is_empty(endpoint->page_size_param),
		   "the names", "page number and page size");
	expect(endpoint->max_page_size > 0, "the value", "max_page_size");
	expect(endpoint->credits >= 0, "the value", "credits");
	expect(endpoint->typical_rows > 0, "the value", "typical_rows");
	expect(!is_empty(endpoint->schema) && !is_empty(endpoint->table),
		   "the name", "the table");
	expect(!is_empty(endpoint->item) && !is_empty(endpoint->items), "the word",
		   "an item");
	expect((endpoint->echo_param == NULL) == (endpoint->echo_field == NULL),
		   "one half", "the echo");
	expect(endpoint->echo_param == NULL ||
		   keyapi_endpoint_param(endpoint, endpoint->echo_param) >= 0,
		   "the parameter", "the echo");
	expect(endpoint->nparams <= KEYAPI_MAX_PARAMS, "the number", "parameters");

	check_envelope();
	for (int i = 0; i < endpoint->nparams; i++)
	{
		const char *name = endpoint->params[i].name;
		const KeyapiColumn *column = keyapi_endpoint_column(endpoint, name);

		check_param(&endpoint->params[i]);
		for (KeyapiTexts field = endpoint->params[i].lookalikes;
			 field != NULL && *field != NULL; field++)
			expect(is_read(*field), "a look-alike, which no column reads,", name);
		expect(column != NULL && column->kind == KEYAPI_COLUMN_PARAM,
			   "the column", name);
	}
	for (int i = 0; i < endpoint->ncolumns; i++)
		check_column(&endpoint->columns[i]);
}

int
main(void)
{
	int			n = 0;
	int			nfailed = 0;

	for (endpoint = keyapi_endpoints; endpoint->path != NULL; endpoint++)
	{
		nproblems = 0;
		check_endpoint();
		nfailed += nproblems > 0;
		printf("%sok %d - %s\n", nproblems > 0 ? "not " : "", ++n, endpoint->path);
	}
	printf("1..%d\n", n);
	return nfailed > 0;
}
