/*
 * Memory for the decoding of one payload: what protobuf-c allocates comes from here and goes back
 * all at once. Small payloads stay within the struct, which is made for the stack; what is beyond
 * comes from the heap in a few blocks, and never more of it than the budget, whatever the payload
 * says.
 */
#ifndef LOGGING_SCRATCH_H
#define LOGGING_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "logging/memory.h"

#define SCRATCH_INLINE 4096u

struct scratch_block;

struct scratch {
    ProtobufCAllocator allocator;
    const struct memory *memory; /* the heap */
    uint8_t *at;                 /* free bytes of the current block */
    size_t left;                 /* how many */
    size_t budget;               /* bytes that may still be taken from the heap */
    bool out_of_memory;          /* the heap gave nothing, rather than the budget */
    struct scratch_block *blocks;
    _Alignas(16) uint8_t first[SCRATCH_INLINE];
};

void scratch_init(struct scratch *scratch, const struct memory *memory, size_t budget);
void scratch_free(struct scratch *scratch);

/* Aligned for any type. NULL beyond the budget. */
void *scratch_alloc(struct scratch *scratch, size_t size);

#endif
