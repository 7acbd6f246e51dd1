/*
 * A bounded first-in first-out queue of bytes: what was delivered to a device and waits for the
 * guest. The saved form does not depend on where in the ring the bytes stand.
 */
#ifndef VMM_DEVICES_BYTE_QUEUE_H
#define VMM_DEVICES_BYTE_QUEUE_H

#include "vmm/devices/device.h"

struct byte_queue {
    uint8_t *data;
    uint32_t capacity; /* bytes */
    uint32_t head;     /* where the oldest byte is */
    uint32_t size;     /* bytes held */
};

bool byte_queue_init(struct byte_queue *queue, uint32_t capacity); /* false: out of memory */
void byte_queue_free(struct byte_queue *queue);
void byte_queue_clear(struct byte_queue *queue);

static inline uint32_t byte_queue_room(const struct byte_queue *queue)
{
    return queue->capacity - queue->size;
}

/* Appends as much as there is room for; returns how much that was. */
uint32_t byte_queue_put(struct byte_queue *queue, const void *data, size_t size);
/* Copies the oldest bytes, without taking them; returns how many there were. */
uint32_t byte_queue_peek(const struct byte_queue *queue, void *data, size_t size);
/* Drops the oldest bytes, at most all. */
void byte_queue_skip(struct byte_queue *queue, size_t size);
/* Takes the oldest bytes; returns how many there were. */
uint32_t byte_queue_get(struct byte_queue *queue, void *data, size_t size);

void byte_queue_save(const struct byte_queue *queue, struct state_writer *writer);
void byte_queue_load(struct byte_queue *queue, struct state_reader *reader);

#endif
