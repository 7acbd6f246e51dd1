#include "vmm/devices/output_buffer.h"

#include <string.h>

void output_buffer_put(struct output_buffer *buffer, const struct device_host *host,
                       uint32_t device, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t room = OUTPUT_BUFFER_BYTES - buffer->size;
        size_t count = size < room ? size : room;
        memcpy(buffer->data + buffer->size, bytes, count);
        buffer->size += (uint32_t)count;
        bytes += count;
        size -= count;
        if (buffer->size == OUTPUT_BUFFER_BYTES) {
            output_buffer_flush(buffer, host, device);
        }
    }
}

void output_buffer_flush(struct output_buffer *buffer, const struct device_host *host,
                         uint32_t device)
{
    if (buffer->size > 0) {
        host->output(host->context, device, buffer->data, buffer->size);
        buffer->size = 0;
    }
}

void output_buffer_save(const struct output_buffer *buffer, struct state_writer *writer)
{
    state_put_u32(writer, buffer->size);
    state_put_bytes(writer, buffer->data, buffer->size);
}

void output_buffer_load(struct output_buffer *buffer, struct state_reader *reader)
{
    uint32_t size = state_get_u32(reader);
    buffer->size = 0;
    if (size >= OUTPUT_BUFFER_BYTES) { /* a full one would have left */
        state_reader_fail(reader);
        return;
    }
    state_get_bytes(reader, buffer->data, size);
    if (reader->error == 0) {
        buffer->size = size;
    }
}
