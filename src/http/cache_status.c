/*-------------------------------------------------------------------------
 *
 * cache_status.c
 *	  What the header Cache-Status of a response says.
 *
 *-------------------------------------------------------------------------
 */
#include "http/cache_status.h"

/*
 * Behind a string, which begins at value; NULL if it does not end.  RFC 8941,
 * section 3.3.3: a backslash protects the next character.
 */
static const char *
skip_string(const char *value)
{
	for (value++; *value != '"'; value++)
	{
		if (*value == '\\')
			value++;
		if (*value == '\0')
			return NULL;
	}
	return value + 1;
}

/*
 * Behind a name or a bare value; NULL if it is not well-formed.
 */
static const char *
skip_item(const char *value)
{
	return *value == '"' ? skip_string(value) : value + strcspn(value, ",;= \t\"");
}

/*
 * Whether the parameter between name and value says "hit", which is a boolean:
 * without a value it is true.
 */
static bool
is_hit(const char *name, const char *value, const char *end)
{
	return value - name == strlen("hit") && strncmp(name, "hit", value - name) == 0 &&
		(value == end || (end - value == strlen("=?1") &&
						  strncmp(value, "=?1", end - value) == 0));
}

bool
keyapi_cache_status_is_hit(const char *value)
{
	char		separator = ',';
	bool		hit = false;

	/* cache; parameter; parameter=value, cache; ... */
	for (;;)
	{
		const char *name = value + strspn(value, " \t");
		const char *end_of_name = skip_item(name);

		value = end_of_name;
		if (value != NULL && separator == ';' && *value == '=')
			value = skip_item(value + 1);
		if (value == NULL || value == name)
			return false;
		hit = hit || (separator == ';' && is_hit(name, end_of_name, value));
		value += strspn(value, " \t");
		separator = *value;
		if (separator == '\0')
			return hit;
		if (separator != ';' && separator != ',')
			return false;
		value++;
	}
}
