/*-------------------------------------------------------------------------
 *
 * server_stubs.h
 *	  What tests without a server need of one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SERVER_STUBS_H
#define SERVER_STUBS_H

/* WARNINGs so far. */
extern int	server_stub_warnings;

/*
 * Free all that palloc gave.
 */
extern void server_stub_free_all(void);

#endif							/* SERVER_STUBS_H */
