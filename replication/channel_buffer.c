#include "replication/channel_buffer.h"

#include <errno.h>
#include <string.h>

static int grow(struct channel_buffer *buffer, size_t capacity)
{
    size_t held = channel_buffer_held(buffer);
    uint8_t *data = memory_allocate(buffer->memory, capacity);

    if (!data)
        return -ENOMEM;
    if (held > 0)
        memcpy(data, buffer->data + buffer->start, held);
    memory_release(buffer->memory, buffer->data);
    buffer->start = 0;
    buffer->end = held;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

long channel_buffer_reserve(struct channel_buffer *buffer, size_t usual, size_t limit)
{
    size_t held = channel_buffer_held(buffer);
    size_t wanted = buffer->capacity < usual ? usual : buffer->capacity;

    /* Moving is cheap if it happens once per read of half a buffer or more. */
    if (held == 0) {
        buffer->start = buffer->end = 0;
    } else if (buffer->start > 0 && buffer->capacity - buffer->end < buffer->capacity / 2) {
        memmove(buffer->data, buffer->data + buffer->start, held);
        buffer->start = 0;
        buffer->end = held;
    }
    if (buffer->end == wanted)
        wanted *= 2;
    if (wanted > limit)
        wanted = limit;
    if (wanted > buffer->capacity && grow(buffer, wanted) < 0)
        return -ENOMEM;
    if (buffer->end >= limit)
        return 0;
    /* The capacity may exceed the limit, never what is read into it. */
    return (long)((buffer->capacity < limit ? buffer->capacity : limit) - buffer->end);
}

void channel_buffer_release(struct channel_buffer *buffer)
{
    memory_release(buffer->memory, buffer->data);
    *buffer = (struct channel_buffer){.memory = buffer->memory};
}
