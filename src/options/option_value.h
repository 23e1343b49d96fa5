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

#include "options/option.h"

/*
 * Raise 22023 for a value.  rule is a sentence that says what it must be.
 */
pg_noreturn extern void keyapi_option_bad(const char *name, const char *value,
										  const char *rule);

/*
 * A duration in ms, at least min; written with a unit, but for 0.
 */
extern int	keyapi_option_duration(const char *name, const char *value,
								   int min);

extern int	keyapi_option_integer(const char *name, const char *value,
								  int min, int max);
extern double keyapi_option_real(const char *name, const char *value,
								 int min, int max);

/*
 * A path into the JSON object of a row.
 */
extern void keyapi_option_check_field(const char *value);

/*
 * What the options of a table say of one parameter: its own option and that
 * which declares its domain, NULL where they are not set.
 */
extern KeyapiParamOptions keyapi_option_param(const KeyapiParam *param,
											  const char *value,
											  const char *domain);

#endif							/* KEYAPI_OPTION_VALUE_H */
