/*
 * The set of configurations that linearizability.c holds: each once, in the order in which they
 * came, up to a limit.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_CONFIGURATION_SET_H
#define FAULT_INJECTION_LAB_WORKLOADS_CONFIGURATION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIGURATION_WORDS 4u

/* Compared byte by byte: no padding. */
struct configuration {
    uint64_t state;                     /* the object's value */
    uint64_t done;                      /* of the operations under way, by slot */
    uint64_t maybe;                     /* of these, what may as well be done as not */
    uint64_t used[CONFIGURATION_WORDS]; /* of the unanswered ones: see linearizability.c */
};

struct configuration_set {
    struct configuration *items;
    size_t count, capacity;
    uint32_t *places; /* hash table of indices + 1; 0: free */
    size_t place_count;
};

void configuration_set_clear(struct configuration_set *set);
void configuration_set_free(struct configuration_set *set);
/* False only if the set is at `limit`, or without memory. `is_new` may be NULL. */
bool configuration_set_add(struct configuration_set *set, const struct configuration *item,
                           size_t limit, bool *is_new);

#endif
