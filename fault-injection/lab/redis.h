/*
 * One question to the Redis in the guest, and one answer, on a connection of client.h. The load
 * (load.h) talks on such a connection by itself.
 */
#ifndef FAULT_INJECTION_LAB_REDIS_H
#define FAULT_INJECTION_LAB_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "fault-injection/lab/lab.h"

#define REDIS_PORT    6379
#define REDIS_COUNTER "counter"

/* Asks `command` on an idle connection, whose answer is an integer (":N") or a string that is one
 * ("$1", "N"); a missing value ("$-1") is 0. */
bool redis_ask(struct lab *lab, int fd, const char *command, unsigned timeout_ms, int64_t *answer);
/* The same on a connection of its own. */
bool redis_ask_anew(struct lab *lab, const char *command, unsigned timeout_ms, int64_t *answer);

#endif
