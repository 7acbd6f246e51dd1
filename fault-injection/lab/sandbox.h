/*
 * Moves this process into a network and a mount namespace of its own: as root directly, else as
 * root of a new user namespace. Nothing that is done to the network from here on is seen outside.
 */
#ifndef FAULT_INJECTION_LAB_SANDBOX_H
#define FAULT_INJECTION_LAB_SANDBOX_H

#include <stdbool.h>

struct lab;

/* Before any thread is made. If something is missing on this host, lab->error says what and how to
 * come by it. */
bool sandbox_enter(struct lab *lab);

#endif
