/*
 * TCP connections from the client's place to the guest.
 */
#ifndef FAULT_INJECTION_LAB_CLIENT_H
#define FAULT_INJECTION_LAB_CLIENT_H

#include <stdbool.h>

#include "fault-injection/lab/lab.h"

/* Tries until somebody answers at that port or the time is over. Returns a socket that does not
 * block, or -1 after lab_fail(). */
int client_connect(struct lab *lab, unsigned port, unsigned timeout_ms);
/* Until the socket is ready for `events` (as for poll). False, and nothing in lab->error, if it is
 * not in time. */
bool client_wait(struct lab *lab, int fd, short events, uint64_t deadline_ns);

/* The two ends of an attempt, for who waits in between without the lab. Sets a socket of the
 * client's place on its way to that port of the guest: 0, or an errno, EINPROGRESS as a rule. */
int client_begin(int fd, unsigned port);
/* And once it can be written to: 0, or an errno. */
int client_error(int fd);

/* The port at the client's end. */
unsigned client_port(int fd);
/* How often the client's kernel has sent a segment again on this connection. */
unsigned client_retransmits(int fd);

#endif
