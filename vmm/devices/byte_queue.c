#include "vmm/devices/byte_queue.h"

#include <stdlib.h>
#include <string.h>

bool byte_queue_init(struct byte_queue *queue, uint32_t capacity)
{
    *queue = (struct byte_queue){.data = malloc(capacity), .capacity = capacity};
    return queue->data != NULL;
}

void byte_queue_free(struct byte_queue *queue)
{
    free(queue->data);
}

void byte_queue_clear(struct byte_queue *queue)
{
    queue->head = 0;
    queue->size = 0;
}

static uint32_t at_most(size_t size, uint32_t limit)
{
    return size < limit ? (uint32_t)size : limit;
}

uint32_t byte_queue_put(struct byte_queue *queue, const void *data, size_t size)
{
    uint32_t count = at_most(size, byte_queue_room(queue));
    if (count == 0) {
        return 0;
    }
    uint32_t tail = (queue->head + queue->size) % queue->capacity;
    uint32_t first = at_most(count, queue->capacity - tail);
    memcpy(queue->data + tail, data, first);
    memcpy(queue->data, (const uint8_t *)data + first, count - first);
    queue->size += count;
    return count;
}

uint32_t byte_queue_peek(const struct byte_queue *queue, void *data, size_t size)
{
    uint32_t count = at_most(size, queue->size);
    if (count == 0) {
        return 0;
    }
    uint32_t first = at_most(count, queue->capacity - queue->head);
    memcpy(data, queue->data + queue->head, first);
    memcpy((uint8_t *)data + first, queue->data, count - first);
    return count;
}

void byte_queue_skip(struct byte_queue *queue, size_t size)
{
    uint32_t count = at_most(size, queue->size);
    queue->head = (queue->head + count) % queue->capacity;
    queue->size -= count;
}

uint32_t byte_queue_get(struct byte_queue *queue, void *data, size_t size)
{
    uint32_t count = byte_queue_peek(queue, data, size);
    byte_queue_skip(queue, count);
    return count;
}

void byte_queue_save(const struct byte_queue *queue, struct state_writer *writer)
{
    uint32_t first = at_most(queue->size, queue->capacity - queue->head);
    state_put_u32(writer, queue->size);
    state_put_bytes(writer, queue->data + queue->head, first);
    state_put_bytes(writer, queue->data, queue->size - first);
}

void byte_queue_load(struct byte_queue *queue, struct state_reader *reader)
{
    byte_queue_clear(queue);
    uint32_t size = state_get_u32(reader);
    if (size > queue->capacity) {
        state_reader_fail(reader);
        return;
    }
    state_get_bytes(reader, queue->data, size);
    if (reader->error == 0) {
        queue->size = size;
    }
}
