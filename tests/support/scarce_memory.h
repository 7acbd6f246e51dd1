/*
 * Memory for tests: it counts, and an allocation of one's choice gets nothing, or all from that one
 * on. What it gives is never zero at first, and aligned to 16 bytes and no more. Any thread.
 */
#ifndef TESTS_SCARCE_MEMORY_H
#define TESTS_SCARCE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "logging/memory.h"

#define SCARCE_OFFSET 16u
#define SCARCE_DIRT   4096u /* bytes at the start of a piece that are made not zero */

struct scarce_memory {
    unsigned long fails_at; /* counted from 1; 0: none */
    bool for_good;          /* and all after it */
    atomic_ulong asked;     /* allocations asked for */
    atomic_long live;       /* given and not given back */
};

static inline void *scarce_allocate(void *context, size_t size)
{
    struct scarce_memory *scarce = context;
    unsigned long number = atomic_fetch_add(&scarce->asked, 1) + 1;
    void *piece = NULL;

    if (scarce->fails_at != 0 &&
        (scarce->for_good ? number >= scarce->fails_at : number == scarce->fails_at)) {
        return NULL;
    }
    if (posix_memalign(&piece, 64, SCARCE_OFFSET + size) != 0) {
        abort();
    }
    memset((uint8_t *)piece + SCARCE_OFFSET, 0xa5, size < SCARCE_DIRT ? size : SCARCE_DIRT);
    atomic_fetch_add(&scarce->live, 1);
    return (uint8_t *)piece + SCARCE_OFFSET;
}

static inline void scarce_release(void *context, void *memory)
{
    struct scarce_memory *scarce = context;

    if (memory == NULL) {
        abort();
    }
    atomic_fetch_sub(&scarce->live, 1);
    free((uint8_t *)memory - SCARCE_OFFSET);
}

static inline struct memory scarce_memory(struct scarce_memory *scarce)
{
    return (struct memory){scarce_allocate, scarce_release, scarce};
}

/* Whether the allocation that was to fail was ever asked for. */
static inline bool scarce_has_failed(struct scarce_memory *scarce)
{
    return scarce->fails_at != 0 && atomic_load(&scarce->asked) >= scarce->fails_at;
}

#endif
