/*-------------------------------------------------------------------------
 *
 * spill_file.c
 *	  A temporary file for the pages of a statement that memory has no room for.
 *
 *-------------------------------------------------------------------------
 */
#include "fetch/spill_file.h"

#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* No file is open: PostgreSQL's count from 1. */
#define NO_FILE 0

struct KeyapiSpillFile
{
	int			users;
	File		file;			/* or NO_FILE */
	off_t		end;			/* where the next bytes go */
};

KeyapiSpillFile *
keyapi_spill_file_create(void)
{
	KeyapiSpillFile *file = MemoryContextAllocZero(TopMemoryContext,
												   sizeof(KeyapiSpillFile));

	file->users = 1;
	file->file = NO_FILE;
	return file;
}

KeyapiSpillFile *
keyapi_spill_file_use(KeyapiSpillFile *file)
{
	file->users++;
	return file;
}

void
keyapi_spill_file_release(KeyapiSpillFile *file)
{
	if (--file->users > 0)
		return;
	if (file->file != NO_FILE)
		FileClose(file->file);
	pfree(file);
}

off_t
keyapi_spill_file_write(KeyapiSpillFile *file, const void *data, Size len)
{
	off_t		place = file->end;

	if (file->file == NO_FILE)
		file->file = OpenTemporaryFile(true);
	if (FileWrite(file->file, unconstify(void *, data), len, place,
				  WAIT_EVENT_BUFFILE_WRITE) != (int) len)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write to file \"%s\": %m",
						FilePathName(file->file))));
	file->end += len;
	return place;
}

void
keyapi_spill_file_read(KeyapiSpillFile *file, off_t place, void *data, Size len)
{
	int			result = FileRead(file->file, data, len, place,
								  WAIT_EVENT_BUFFILE_READ);

	if (result < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m",
						FilePathName(file->file))));
	if (result != (int) len)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("could not read file \"%s\": read %d of %zu",
						FilePathName(file->file), result, len)));
}
