#include "tests/riscv/support/state_buffer.h"

#include <errno.h>
#include <string.h>

static int write_bytes(void *context, const void *data, size_t size)
{
    struct state_buffer *buffer = context;
    if (size > sizeof buffer->bytes - buffer->size) {
        return -ENOSPC;
    }
    memcpy(buffer->bytes + buffer->size, data, size);
    buffer->size += size;
    return 0;
}

static int read_bytes(void *context, void *data, size_t size)
{
    struct state_buffer *buffer = context;
    if (size > buffer->size - buffer->read) {
        return -ENODATA;
    }
    memcpy(data, buffer->bytes + buffer->read, size);
    buffer->read += size;
    return 0;
}

struct state_writer state_buffer_writer(struct state_buffer *buffer)
{
    return (struct state_writer){.write = write_bytes, .context = buffer};
}

struct state_reader state_buffer_reader(struct state_buffer *buffer)
{
    return (struct state_reader){.read = read_bytes, .context = buffer};
}
