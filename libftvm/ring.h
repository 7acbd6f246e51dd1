/*
 * A bounded queue of records between two threads: one producer, one consumer, no locks.
 *
 * Records are contiguous in memory: the producer reserves room, fills it in and commits, the
 * consumer looks at the first record in place and releases it. No call blocks or allocates (but for
 * ring_create); waiting is the owner's business (libftvm/wake.h).
 */
#ifndef LIBFTVM_RING_H
#define LIBFTVM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logging/memory.h"

struct ring;

struct ring_record {
    uint32_t type; /* not 0 */
    uint32_t size;
    uint8_t *data; /* aligned to 8 */
};

/* `capacity` in bytes, a power of two. Records of up to a quarter of it always fit an empty ring.
 * NULL: out of memory, which is borrowed for the ring's life. */
struct ring *ring_create(const struct memory *memory, size_t capacity);
void ring_destroy(struct ring *ring);

/* Producer: room for a record of `size` bytes, or NULL if there is none now. A reservation that is
 * not committed is forgotten by the next one. */
uint8_t *ring_reserve(struct ring *ring, uint32_t size);
void ring_commit(struct ring *ring, uint32_t type);
/* Reserve, copy and commit. False if there is no room now. */
bool ring_push(struct ring *ring, uint32_t type, const void *data, uint32_t size);

/* Any thread: a hint, which may be outdated at once. */
bool ring_is_empty(struct ring *ring);

/* Consumer: the first record, or false. It stays until ring_release(). */
bool ring_peek(struct ring *ring, struct ring_record *record);
void ring_release(struct ring *ring);

#endif
