/*
 * Bytes to be sent: a list of chunks, into which frames are encoded in place and from which the
 * kernel gathers. Nothing is copied or moved after encoding. Called by channel_send.c.
 *
 * A frame lies within one chunk, so memory is at most about twice the bytes queued.
 */
#ifndef REPLICATION_CHANNEL_QUEUE_H
#define REPLICATION_CHANNEL_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "logging/memory.h"

#define CHANNEL_CHUNK (256u * 1024) /* bytes of a chunk, unless a frame needs more */

struct channel_chunk {
    struct channel_chunk *next;
    size_t capacity;
    size_t start; /* of the bytes held */
    size_t end;
    uint8_t data[];
};

struct channel_queue {
    const struct memory *memory;
    struct channel_chunk *head; /* the next to be sent */
    struct channel_chunk *tail; /* being filled */
    struct channel_chunk *spare;
    size_t bytes;
};

/* Room for `size` bytes at the end, valid until the next call; NULL without memory. */
uint8_t *channel_queue_reserve(struct channel_queue *queue, size_t size);
/* Adds the first `size` bytes of the room reserved last. */
void channel_queue_commit(struct channel_queue *queue, size_t size);

/* Describes the bytes at the front in at most `limit` parts; returns how many. */
size_t channel_queue_gather(const struct channel_queue *queue, struct iovec *parts, size_t limit);
/* Drops `size` bytes at the front. */
void channel_queue_consume(struct channel_queue *queue, size_t size);

/* Empties it, and gives its memory back. */
void channel_queue_release(struct channel_queue *queue);

#endif
