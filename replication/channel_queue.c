#include "replication/channel_queue.h"

#include <assert.h>

static struct channel_chunk *take_chunk(struct channel_queue *queue, size_t size)
{
    struct channel_chunk *chunk = queue->spare;
    size_t capacity = size > CHANNEL_CHUNK ? size : CHANNEL_CHUNK;

    if (chunk && chunk->capacity >= size) {
        queue->spare = NULL;
    } else {
        chunk = memory_allocate(queue->memory, sizeof(*chunk) + capacity);
        if (!chunk)
            return NULL;
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->start = chunk->end = 0;
    return chunk;
}

static void give_chunk(struct channel_queue *queue, struct channel_chunk *chunk)
{
    if (queue->spare) {
        memory_release(queue->memory, chunk);
        return;
    }
    queue->spare = chunk;
}

uint8_t *channel_queue_reserve(struct channel_queue *queue, size_t size)
{
    struct channel_chunk *tail = queue->tail;

    if (!tail || tail->capacity - tail->end < size) {
        struct channel_chunk *chunk = take_chunk(queue, size);

        if (!chunk)
            return NULL;
        if (tail)
            tail->next = chunk;
        else
            queue->head = chunk;
        queue->tail = tail = chunk;
    }
    return tail->data + tail->end;
}

void channel_queue_commit(struct channel_queue *queue, size_t size)
{
    assert(queue->tail && size <= queue->tail->capacity - queue->tail->end);
    queue->tail->end += size;
    queue->bytes += size;
}

size_t channel_queue_gather(const struct channel_queue *queue, struct iovec *parts, size_t limit)
{
    size_t count = 0;

    for (struct channel_chunk *i = queue->head; i && count < limit; i = i->next) {
        if (i->start == i->end)
            continue;
        parts[count].iov_base = i->data + i->start;
        parts[count].iov_len = i->end - i->start;
        count++;
    }
    return count;
}

void channel_queue_consume(struct channel_queue *queue, size_t size)
{
    assert(size <= queue->bytes);
    queue->bytes -= size;
    while (queue->head) {
        struct channel_chunk *head = queue->head;
        size_t held = head->end - head->start;
        size_t part = size < held ? size : held;

        head->start += part;
        size -= part;
        if (head->start < head->end)
            return;
        /* The last chunk stays, from its start again: small messages keep using warm memory. */
        head->start = head->end = 0;
        if (head == queue->tail)
            return;
        queue->head = head->next;
        give_chunk(queue, head);
    }
}

void channel_queue_release(struct channel_queue *queue)
{
    while (queue->head) {
        struct channel_chunk *next = queue->head->next;

        memory_release(queue->memory, queue->head);
        queue->head = next;
    }
    memory_release(queue->memory, queue->spare);
    *queue = (struct channel_queue){.memory = queue->memory};
}
