/*
 * The process of a link (link.h), and the memory that it shares with its owner. The owner writes
 * what is wanted, counts `wanted` up and rings; the process does it and follows with `done`.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_LINK_RELAY_H
#define FAULT_INJECTION_LAB_FAULTS_LINK_RELAY_H

#include <stdatomic.h>

#include "fault-injection/lab/faults/link.h"

struct link_shared {
    /* The owner's. */
    atomic_uint wanted;
    struct link_way ways[LINK_WAYS];
    unsigned resets; /* how often it asked for one */
    uint64_t corrupt_seed;
    /* Either's. */
    atomic_uint corrupt; /* bits that are still to be flipped */
    /* The process's. */
    atomic_uint done, open;
    atomic_ullong bytes[LINK_WAYS], accepted, refused, reset, flipped;
};

/* In the child, for ever. `bell` is an eventfd; `home` the namespace that it belongs to. */
_Noreturn void link_relay_run(struct link_shared *shared, int bell, int home,
                              const struct link_route *routes, unsigned count);

#endif
