/*-------------------------------------------------------------------------
 *
 * raw.h
 *	  Listeners that speak no HTTP of their own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_RAW_H
#define EMULATOR_RAW_H

/*
 * Accept connections, and never say a word: a TLS handshake that stalls.
 * They count as stalled requests of the scenario "tls-stall".
 */
extern void raw_start_mute(int listen_fd);

/*
 * Be an HTTP proxy, for CONNECT and plain requests.  Connections are logged
 * as requests of the scenario "proxy": the request line as query string, and
 * what was shown of Authorization as key.
 */
extern void raw_start_proxy(int listen_fd);

/*
 * Fill the queue of a socket that listens with backlog 0, so that the kernel
 * drops the SYN of further clients.  port: in network byte order.
 */
extern void raw_fill_backlog(int port);

#endif							/* EMULATOR_RAW_H */
