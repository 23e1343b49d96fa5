/*-------------------------------------------------------------------------
 *
 * server.h
 *	  The HTTP side: from a request on a connection to its answer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_SERVER_H
#define EMULATOR_SERVER_H

#include "tls.h"

/*
 * Serve a listening socket from a thread of its own, for ever; cert is NULL
 * for plain HTTP.  priorities: GnuTLS's, or NULL.  Ends the process if that
 * fails.
 */
extern void server_start(int listen_fd, const Certificate *cert,
						 const char *priorities);

#endif							/* EMULATOR_SERVER_H */
