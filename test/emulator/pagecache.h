/*-------------------------------------------------------------------------
 *
 * pagecache.h
 *	  Pages made before, so that a page costs microseconds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_PAGECACHE_H
#define EMULATOR_PAGECACHE_H

#include "body.h"

/* Append the document of a page, with the request id number serial. */
extern void pagecache_get(Buf *out, const PageSpec *spec, uint64_t serial,
						  bool gzipped);

/* Append bytes as a gzip file. */
extern void gzip_add(Buf *out, const Buf *plain);

#endif							/* EMULATOR_PAGECACHE_H */
