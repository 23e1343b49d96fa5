/*-------------------------------------------------------------------------
 *
 * allocator.h
 *	  Memory that callers of json/ give, which need not know malloc.
 *
 *-------------------------------------------------------------------------
 */
#ifndef KEYAPI_ALLOCATOR_H
#define KEYAPI_ALLOCATOR_H

#include <stddef.h>

/*
 * alloc returns NULL when memory is out; it must not longjmp.  What it returned,
 * aligned for any type, is never freed by json/.
 */
typedef struct KeyapiAllocator
{
	void	   *(*alloc) (void *arg, size_t size);
	void	   *arg;
} KeyapiAllocator;

#endif							/* KEYAPI_ALLOCATOR_H */
