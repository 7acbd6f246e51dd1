#include "libftvm/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

struct header {
    uint32_t type; /* TYPE_PAD: unused room up to the end of the buffer */
    uint32_t size;
};

#define TYPE_PAD 0u

#define LINE 64u /* bytes that a processor writes for itself */

struct ring {
    _Alignas(LINE) _Atomic uint64_t head; /* consumer's: bytes released, ever */
    _Alignas(LINE) _Atomic uint64_t tail; /* producer's: bytes committed, ever */
    _Alignas(LINE) size_t capacity;
    size_t reserved; /* producer's: size of the open reservation */
    uint64_t reserved_at;
    const struct memory *memory;
    void *allocated; /* in which the ring lies, at the next line */
    _Alignas(LINE) uint8_t bytes[];
};

static size_t record_bytes(uint32_t size)
{
    return sizeof(struct header) + ((size_t)size + 7) / 8 * 8;
}

struct ring *ring_create(const struct memory *memory, size_t capacity)
{
    assert(capacity >= LINE && (capacity & (capacity - 1)) == 0);
    void *allocated = memory_allocate(memory, LINE - 1 + sizeof(struct ring) + capacity);
    if (allocated == NULL) {
        return NULL;
    }
    struct ring *ring = (struct ring *)(((uintptr_t)allocated + LINE - 1) & ~(uintptr_t)(LINE - 1));
    memset(ring, 0, sizeof *ring);
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    ring->capacity = capacity;
    ring->memory = memory;
    ring->allocated = allocated;
    return ring;
}

void ring_destroy(struct ring *ring)
{
    if (ring != NULL) {
        memory_release(ring->memory, ring->allocated);
    }
}

static struct header *header_at(struct ring *ring, uint64_t place)
{
    return (struct header *)(ring->bytes + (place & (ring->capacity - 1)));
}

uint8_t *ring_reserve(struct ring *ring, uint32_t size)
{
    size_t needed = record_bytes(size);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t to_end = ring->capacity - (tail & (ring->capacity - 1));
    size_t pad = needed > to_end ? to_end : 0;
    if (needed > ring->capacity || ring->capacity - (tail - head) < pad + needed) {
        return NULL;
    }
    if (pad > 0) {
        *header_at(ring, tail) = (struct header){TYPE_PAD, 0};
    }
    ring->reserved_at = tail + pad;
    ring->reserved = needed;
    header_at(ring, ring->reserved_at)->size = size;
    return (uint8_t *)(header_at(ring, ring->reserved_at) + 1);
}

void ring_commit(struct ring *ring, uint32_t type)
{
    assert(type != TYPE_PAD && ring->reserved > 0);
    header_at(ring, ring->reserved_at)->type = type;
    atomic_store_explicit(&ring->tail, ring->reserved_at + ring->reserved, memory_order_release);
    ring->reserved = 0;
}

bool ring_push(struct ring *ring, uint32_t type, const void *data, uint32_t size)
{
    uint8_t *room = ring_reserve(ring, size);
    if (room == NULL) {
        return false;
    }
    if (size > 0) {
        memcpy(room, data, size);
    }
    ring_commit(ring, type);
    return true;
}

/* Where the first record is, past padding. */
static uint64_t first_record(struct ring *ring, uint64_t head)
{
    size_t to_end = ring->capacity - (head & (ring->capacity - 1));
    return header_at(ring, head)->type == TYPE_PAD ? head + to_end : head;
}

bool ring_is_empty(struct ring *ring)
{
    return atomic_load_explicit(&ring->head, memory_order_acquire) ==
           atomic_load_explicit(&ring->tail, memory_order_acquire);
}

bool ring_peek(struct ring *ring, struct ring_record *record)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == tail) {
        return false;
    }
    struct header *header = header_at(ring, first_record(ring, head));
    *record = (struct ring_record){header->type, header->size, (uint8_t *)(header + 1)};
    return true;
}

void ring_release(struct ring *ring)
{
    uint64_t head = first_record(ring, atomic_load_explicit(&ring->head, memory_order_relaxed));
    atomic_store_explicit(&ring->head, head + record_bytes(header_at(ring, head)->size),
                          memory_order_release);
}
