/*
 * Bytes received and not yet decoded: one contiguous piece of memory, for a frame is decoded in
 * place. Large reads land behind what is there; only the beginning of an unfinished frame is ever
 * moved, or copied when the piece must grow. Called by channel_receive.c.
 */
#ifndef REPLICATION_CHANNEL_BUFFER_H
#define REPLICATION_CHANNEL_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "logging/memory.h"

struct channel_buffer {
    const struct memory *memory;
    uint8_t *data;
    size_t capacity;
    size_t start; /* of the bytes held */
    size_t end;
};

/* Makes room behind the bytes held, growing to `usual` bytes at first and to at most `limit` when
 * they do not hold one frame. Returns the room at data + end; 0 if `limit` bytes are held; a
 * negative errno. */
long channel_buffer_reserve(struct channel_buffer *buffer, size_t usual, size_t limit);

/* Empties it, and gives its memory back. */
void channel_buffer_release(struct channel_buffer *buffer);

static inline size_t channel_buffer_held(const struct channel_buffer *buffer)
{
    return buffer->end - buffer->start;
}

#endif
