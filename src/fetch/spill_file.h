/*-------------------------------------------------------------------------
 *
 * spill_file.h
 *	  A temporary file for the pages of a statement that memory has no room for.
 *
 * temp_file_limit and log_temp_files hold for it.  It may outlive the transaction
 * that began it, as a procedure's statement does, so it belongs to no resource
 * owner: whoever uses it must release it.  For the same reason PostgreSQL puts it
 * into the database's own tablespace, whatever temp_tablespaces says.  It is one
 * file rather than a BufFile, whose buffer may still have to be written when it is
 * closed: that must not fail while an error is cleaned up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_SPILL_FILE_H
#define KEYAPI_SPILL_FILE_H

#include "compat.h"

typedef struct KeyapiSpillFile KeyapiSpillFile;

/*
 * A file in TopMemoryContext, with one user.  Nothing is on disk before the first
 * write.
 */
extern KeyapiSpillFile *keyapi_spill_file_create(void);

/*
 * One user more; one less.  With the last one goes the file.  Releasing raises no
 * error.
 */
extern KeyapiSpillFile *keyapi_spill_file_use(KeyapiSpillFile *file);
extern void keyapi_spill_file_release(KeyapiSpillFile *file);

/*
 * Add len bytes.  Returns their place.  Raises what PostgreSQL raises for a
 * temporary file: 53400 over temp_file_limit, 53100 if the disk is full.  Then the
 * file is as it was.
 */
extern off_t keyapi_spill_file_write(KeyapiSpillFile *file, const void *data,
									 Size len);

/*
 * Read len bytes from a place.  Raises an error of the file system, or XX001 if the
 * file is shorter.
 */
extern void keyapi_spill_file_read(KeyapiSpillFile *file, off_t place, void *data,
								   Size len);

#endif							/* KEYAPI_SPILL_FILE_H */
