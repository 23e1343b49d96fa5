/*-------------------------------------------------------------------------
 *
 * option_value.h
 *	  What the values of options may be.
 *
 * Each function raises 22023 for a value that its kind of option cannot have,
 * with a detail that says what it can.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_OPTION_VALUE_H
#define KEYAPI_OPTION_VALUE_H

#include "compat.h"

#include "api/endpoint.h"

/* What a parameter means that the query does not restrict. */
typedef enum KeyapiDefaultKind
{
	KEYAPI_DEFAULT_VALUE,		/* this value */
	KEYAPI_DEFAULT_ALL,			/* each value of its domain */
	KEYAPI_DEFAULT_NONE			/* an error: the query must bind it */
} KeyapiDefaultKind;

/* What the options of a foreign table say of a parameter. */
typedef struct KeyapiParamOptions
{
	KeyapiDefaultKind kind;
	const char *value;			/* KEYAPI_DEFAULT_VALUE only, else NULL */
	const char *const *domain;	/* NULL-terminated; NULL: open */
} KeyapiParamOptions;

/*
 * Raise 22023 for the value of the option called name.  rule is a sentence that
 * says what the value must be.
 */
pg_noreturn extern void keyapi_option_bad(const char *name, const char *value,
										  const char *rule);

/*
 * A duration in ms, of at least min ms.  It is written with a unit; only 0 may
 * stand without.
 */
extern int	keyapi_option_duration(const char *name, const char *value,
								   int min);

/*
 * A number from min to max.
 */
extern int	keyapi_option_integer(const char *name, const char *value,
								  int min, int max);
extern double keyapi_option_real(const char *name, const char *value,
								 int min, int max);

/*
 * A truth value in any of the spellings of PostgreSQL's settings: on, off, true, ...
 */
extern bool keyapi_option_boolean(const char *name, const char *value);

/*
 * A path into the JSON object of a row.
 */
extern void keyapi_option_check_field(const char *value);

/*
 * What the options of a foreign table say of one parameter.  value is that of
 * the option named like the parameter, domain that of the parameter's
 * domain_option; NULL: not set.  The result points to these and to palloc'd
 * memory.
 */
extern KeyapiParamOptions keyapi_option_param(const KeyapiParam *param,
											  const char *value,
											  const char *domain);

#endif							/* KEYAPI_OPTION_VALUE_H */
