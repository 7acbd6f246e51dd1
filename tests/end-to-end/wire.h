/*
 * Listens on both hosts' cables to the lan and follows what the guest sends on one TCP connection.
 * Whichever host sends it, and how often: a byte of the stream has one value. A host that still
 * sends after another took over may repeat, and must not contradict.
 */
#ifndef TESTS_END_TO_END_WIRE_H
#define TESTS_END_TO_END_WIRE_H

#include <stdbool.h>

#include "fault-injection/lab/lab.h"

struct wire;

/* `port`: of the client. */
bool wire_start(struct wire **wire, struct lab *lab, unsigned port);
void wire_end(struct wire *wire);
/* Was there no contradiction, and did anything pass at all? */
bool wire_check(struct wire *wire, struct lab *lab);

#endif
