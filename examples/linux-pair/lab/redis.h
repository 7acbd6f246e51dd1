/*
 * A connection from the client's place to the Redis in the guest: connecting, and one question with
 * one answer. The load (load.h) talks on such a connection by itself.
 */
#ifndef EXAMPLES_LINUX_PAIR_LAB_REDIS_H
#define EXAMPLES_LINUX_PAIR_LAB_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "examples/linux-pair/lab/lab.h"

#define REDIS_PORT    6379
#define REDIS_COUNTER "counter"

/* Tries until somebody answers there or the time is over. Returns a socket that does not block, or
 * -1 after lab_fail(). */
int redis_connect(struct lab *lab, unsigned timeout_ms);
/* The port at the client's end. */
unsigned redis_local_port(int fd);
/* How often the client's kernel has sent a segment again on this connection. */
unsigned redis_retransmits(int fd);

/* Asks `command` on an idle connection, whose answer is an integer (":N") or a string that is one
 * ("$1", "N"); a missing value ("$-1") is 0. */
bool redis_ask(struct lab *lab, int fd, const char *command, unsigned timeout_ms, int64_t *answer);
/* The same on a connection of its own. */
bool redis_ask_anew(struct lab *lab, const char *command, unsigned timeout_ms, int64_t *answer);

#endif
