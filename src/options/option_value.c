/*-------------------------------------------------------------------------
 *
 * option_value.c
 *	  What the values of options may be.
 *
 *-------------------------------------------------------------------------
 */
#include "options/option_value.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

void
keyapi_option_bad(const char *name, const char *value, const char *rule)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"", name, value),
			 errdetail("%s", rule)));
}

/*
 * Whether parse_int would take a number for an octal or hexadecimal one.
 */
static bool
has_other_base(const char *value)
{
	return value[0] == '0' &&
		(isdigit((unsigned char) value[1]) || value[1] == 'x' || value[1] == 'X');
}

int
keyapi_option_duration(const char *name, const char *value, int min)
{
	const char *hint = NULL;
	int			ms;
	size_t		len = strlen(value);

	/* parse_int knows the units, but takes a bare number for milliseconds */
	if (min == 0 && strcmp(value, "0") == 0)
		return 0;
	if (len == 0 || !isalpha((unsigned char) value[len - 1]) ||
		has_other_base(value) ||
		!parse_int(value, &ms, GUC_UNIT_MS, &hint) || ms < min)
		keyapi_option_bad(name, value,
						  min == 0 ?
						  "It must be 0 or a duration of at most 24 days with a unit (ms, s, min, h, d), such as 30s." :
						  "It must be a positive duration of at most 24 days with a unit (ms, s, min, h, d), such as 30s.");
	return ms;
}

int
keyapi_option_integer(const char *name, const char *value, int min, int max)
{
	int			number;

	/* parse_int would round 5.5 */
	if (*value == '\0' || value[strspn(value, "0123456789")] != '\0' ||
		has_other_base(value) ||
		!parse_int(value, &number, 0, NULL) ||
		number < min || number > max)
		keyapi_option_bad(name, value,
						  psprintf("It must be an integer from %d to %d.",
								   min, max));
	return number;
}

double
keyapi_option_real(const char *name, const char *value, int min, int max)
{
	double		number;

	if (!parse_real(value, &number, 0, NULL) ||
		!(number >= min && number <= max))
		keyapi_option_bad(name, value,
						  psprintf("It must be a number from %d to %d.",
								   min, max));
	return number;
}

bool
keyapi_option_boolean(const char *name, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		keyapi_option_bad(name, value, "It must be on or off.");
	return result;
}

void
keyapi_option_check_field(const char *value)
{
	size_t		len = strlen(value);

	if (len == 0 || value[0] == '.' || value[len - 1] == '.' ||
		strstr(value, "..") != NULL)
		keyapi_option_bad("field", value,
						  "It must be a path into the JSON object of a row, such as author.name.");
}

/*
 * Whether a value is one of a NULL-terminated domain.
 */
static bool
in_domain(const char *const *domain, const char *value)
{
	for (; *domain != NULL; domain++)
	{
		if (strcmp(*domain, value) == 0)
			return true;
	}
	return false;
}

static char *
join_domain(const char *const *domain)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; domain[i] != NULL; i++)
		appendStringInfo(&buf, "%s%s", i == 0 ? "" : ", ", domain[i]);
	return buf.data;
}

/*
 * Why a parameter cannot have a value, as a sentence about the subject; or NULL.
 */
static const char *
param_value_problem(const KeyapiParam *param, const char *value,
					const char *subject)
{
	size_t		len = strlen(value);

	if (len == 0 || len > KEYAPI_MAX_PARAM_BYTES)
		return psprintf("%s must have 1 to %d bytes.", subject,
						KEYAPI_MAX_PARAM_BYTES);
	switch (param->type)
	{
		case KEYAPI_PARAM_TEXT:
			break;
		case KEYAPI_PARAM_INTEGER:
			/* 7 and 07 would be two lists with the same rows */
			if (value[strspn(value, "0123456789")] != '\0' ||
				(value[0] == '0' && len > 1))
				return psprintf("%s must be a number without a sign or leading zeros.",
								subject);
			break;
		case KEYAPI_PARAM_BOOLEAN:
			if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
				return psprintf("%s must be true or false.", subject);
			break;
	}
	return NULL;
}

/*
 * The comma list of a parameter's domain option, as a NULL-terminated array
 * without duplicates.
 */
static const char *const *
domain_value(const KeyapiParam *param, const char *value)
{
	const char *name = param->domain_option;
	List	   *elements;
	ListCell   *lc;
	const char **domain;
	int			n = 0;

	if (!SplitGUCList(pstrdup(value), ',', &elements) || elements == NIL)
		keyapi_option_bad(name, value,
						  "It must be a list of values separated by commas.");
	domain = palloc0(sizeof(char *) * (list_length(elements) + 1));
	foreach(lc, elements)
	{
		const char *element = lfirst(lc);
		const char *problem = param_value_problem(param, element, "Each value");

		if (problem != NULL)
			keyapi_option_bad(name, value, problem);
		if (!in_domain(domain, element))
			domain[n++] = element;
	}
	return domain;
}

KeyapiParamOptions
keyapi_option_param(const KeyapiParam *param, const char *value,
					const char *domain)
{
	KeyapiParamOptions result = {KEYAPI_DEFAULT_VALUE, NULL, param->domain};
	const char *problem;

	if (domain != NULL)
		result.domain = domain_value(param, domain);

	if (value == NULL && domain != NULL)
		result.kind = KEYAPI_DEFAULT_ALL;
	else if (value != NULL && strcmp(value, "none") == 0)
		result.kind = KEYAPI_DEFAULT_NONE;
	else if (value != NULL && strcmp(value, "all") == 0)
		result.kind = KEYAPI_DEFAULT_ALL;
	else
		result.value = value != NULL ? value : param->default_value;

	if (result.kind == KEYAPI_DEFAULT_ALL && result.domain == NULL)
		keyapi_option_bad(param->name, value,
						  param->domain_option == NULL ?
						  "There is no list of all its values." :
						  psprintf("\"all\" needs the option \"%s\", which says what all is.",
								   param->domain_option));
	if (result.value != NULL && result.domain != NULL &&
		!in_domain(result.domain, result.value))
		keyapi_option_bad(param->name, result.value,
						  psprintf("It must be all, none or one of: %s.",
								   join_domain(result.domain)));
	problem = result.value == NULL ? NULL :
		param_value_problem(param, result.value, "It");
	if (problem != NULL)
		keyapi_option_bad(param->name, result.value, problem);
	return result;
}
