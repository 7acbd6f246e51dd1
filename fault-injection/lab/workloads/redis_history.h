/*
 * What several clients asked of some keys in Redis, and were told: a checker of linearizability for
 * each key, and the last operations for a report. Keys with even numbers are registers, with odd
 * ones counters. Used by the clients' threads and the lab's main thread at once.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_REDIS_HISTORY_H
#define FAULT_INJECTION_LAB_WORKLOADS_REDIS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fault-injection/lab/workloads/linearizability.h"

#define REDIS_HISTORY_MAX_KEYS    16u
#define REDIS_HISTORY_MAX_CLIENTS 17u    /* at a time; the last one is who looks in the end */
#define REDIS_HISTORY_KEPT        65536u /* operations for a report: the last ones */
#define REDIS_HISTORY_PROBLEM_SIZE                                                                 \
    (LINEARIZABILITY_PROBLEM_SIZE + 64u) /* with the name of the key */

struct redis_history;

/* Times in texts are counted from `origin_ns`. NULL without memory. */
struct redis_history *redis_history_create(unsigned keys, uint64_t origin_ns);
void redis_history_destroy(struct redis_history *history);

bool redis_history_is_counter(unsigned key);
/* "register-0", "counter-1". */
void redis_history_name(unsigned key, char name[32]);

/* A client, by the place that it has among those there are at a time, is about to ask; returns
 * when: lab_now_ns(). */
uint64_t redis_history_ask(struct redis_history *history, unsigned place);
/* What became of it: answered, or OPERATION_NEVER. */
void redis_history_add(struct redis_history *history, unsigned place, unsigned key,
                       const struct operation *operation);
/* Goes through all that is settled: what was asked before the oldest question that is still open.
 * False if it does not hold, or cannot be decided; then `problem` says why. */
bool redis_history_check(struct redis_history *history, char problem[REDIS_HISTORY_PROBLEM_SIZE]);
/* The operations that are kept, one a line, in the order in which they ended. Kept are those before
 * the first violation was found. */
void redis_history_dump(struct redis_history *history, FILE *file);

#endif
