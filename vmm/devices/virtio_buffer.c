#include "vmm/devices/virtio_buffer.h"

#include <string.h>

size_t virtio_buffer_read(const struct virtio_buffer *buffer, size_t offset, void *data,
                          size_t size)
{
    uint8_t *to = data;
    size_t copied = 0;
    for (unsigned i = 0; i < buffer->count && copied < size; i++) {
        const struct virtio_segment *segment = &buffer->segments[i];
        if (offset >= segment->size) {
            offset -= segment->size;
            continue;
        }
        size_t here = segment->size - offset;
        size_t count = here < size - copied ? here : size - copied;
        memcpy(to + copied, segment->host + offset, count);
        copied += count;
        offset = 0;
    }
    return copied;
}

size_t virtio_buffer_write(const struct virtio_buffer *buffer, const struct device_host *host,
                           size_t offset, const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t copied = 0;
    for (unsigned i = 0; i < buffer->count && copied < size; i++) {
        const struct virtio_segment *segment = &buffer->segments[i];
        if (offset >= segment->size) {
            offset -= segment->size;
            continue;
        }
        size_t here = segment->size - offset;
        size_t count = here < size - copied ? here : size - copied;
        memcpy(segment->host + offset, from + copied, count);
        host->memory_written(host->context, segment->address + offset, count);
        copied += count;
        offset = 0;
    }
    return copied;
}

const uint8_t *virtio_buffer_span(const struct virtio_buffer *buffer, size_t offset, size_t size)
{
    for (unsigned i = 0; i < buffer->count; i++) {
        const struct virtio_segment *segment = &buffer->segments[i];
        if (offset < segment->size) {
            return size <= segment->size - offset ? segment->host + offset : NULL;
        }
        offset -= segment->size;
    }
    return NULL;
}
