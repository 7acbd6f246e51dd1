/*
 * A port of one of the lab's switches (network.h), which are bridges: open, or closed to all frames
 * in both directions, from one moment to the next.
 *
 * Setting the interface down would do as much, but not back: the kernel looks at carriers once a
 * second, and until then the far end of the cable sends nothing, while it already receives.
 */
#ifndef FAULT_INJECTION_LAB_SWITCH_PORT_H
#define FAULT_INJECTION_LAB_SWITCH_PORT_H

#include <stdbool.h>

/* A socket by which the ports of the network namespace that we are in are told; or -1 with errno.
 */
int switch_port_control(void);
/* In the same namespace. False with errno. */
bool switch_port_set(int control, const char *interface, bool open);

#endif
