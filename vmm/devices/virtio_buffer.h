/*
 * A scattered buffer in guest memory: what a descriptor chain describes, after every slice of it
 * was checked. Copies between it and contiguous host memory; knows nothing of rings.
 */
#ifndef VMM_DEVICES_VIRTIO_BUFFER_H
#define VMM_DEVICES_VIRTIO_BUFFER_H

#include "vmm/devices/device.h"

struct virtio_segment {
    uint8_t *host;    /* from guest_memory_slice() */
    uint64_t address; /* guest physical */
    uint32_t size;    /* bytes, not 0 */
};

struct virtio_buffer {
    struct virtio_segment *segments;
    unsigned count;
    uint32_t size; /* sum of the segments' sizes */
};

/* Copies up to `size` bytes from `offset` on; returns how many there were. */
size_t virtio_buffer_read(const struct virtio_buffer *buffer, size_t offset, void *data,
                          size_t size);
/* The same the other way, reported to host->memory_written. */
size_t virtio_buffer_write(const struct virtio_buffer *buffer, const struct device_host *host,
                           size_t offset, const void *data, size_t size);
/* Pointer to the bytes at `offset` if they lie in one segment, else NULL: spares a copy. */
const uint8_t *virtio_buffer_span(const struct virtio_buffer *buffer, size_t offset, size_t size);

#endif
