/*
 * The object whose history linearizability.c goes through: the operations that are under way at a
 * moment, and what each of them does to a configuration.
 *
 * configuration.used says what of the unanswered operations has been done: of a register, a bit for
 * each of them, in the order of `unknown`; of a counter, whose unanswered additions are all alike,
 * how many (word 0).
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_OBJECT_H
#define FAULT_INJECTION_LAB_WORKLOADS_OBJECT_H

#include "fault-injection/lab/workloads/configuration_set.h"
#include "fault-injection/lab/workloads/linearizability.h"

struct object {
    enum linearizability_type type;
    struct operation open[LINEARIZABILITY_MAX_OPEN]; /* under way, by slot */
    uint64_t occupied;                               /* slots */
    uint64_t writes;                                 /* those of them that hold a write */
    uint64_t unknown[LINEARIZABILITY_MAX_UNKNOWN];   /* values that would be written */
    uint64_t unknown_count;
};

/* Does the operation in that slot. False if its answer would have been another; then the
 * configuration is spoilt. */
bool object_do(const struct object *object, unsigned slot, struct configuration *configuration);
/* Reads that see the value as it is now are done with it. */
void object_do_reads(const struct object *object, struct configuration *configuration);
/* Would another operation under way see this value? */
bool object_looks_for(const struct object *object, uint64_t value,
                      const struct configuration *configuration);

#endif
