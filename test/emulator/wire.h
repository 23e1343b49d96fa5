/*-------------------------------------------------------------------------
 *
 * wire.h
 *	  Answers that are spoilt on the wire: cut, dripped, stalled, reset.
 *
 *-------------------------------------------------------------------------
 */
#ifndef EMULATOR_WIRE_H
#define EMULATOR_WIRE_H

#include <microhttpd.h>

#include "answer.h"

/* Is the fault one of those? */
extern bool wire_is_for(const Fault *fault);

/*
 * Suspend the connection, from within its handler, and write the answer to
 * its socket as the fault wants it, behind the HTTP library's back.  When the
 * connection is resumed, there is nothing left but to close it.  Takes over
 * the answer's body; the fault is to live until then.
 */
extern void wire_start(struct MHD_Connection *connection, Scenario *scenario,
					   const Fault *fault, Answer *answer);

/* Let the scenario's stalled answers go on; with state_lock held. */
extern void wire_release(Scenario *scenario);

#endif							/* EMULATOR_WIRE_H */
