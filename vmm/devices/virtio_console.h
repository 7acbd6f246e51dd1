/*
 * A fast console: virtio-console (virtio 1.2, 5.3) over MMIO, one port, no multiport (hvc0).
 *
 * As with the serial port, bytes from the guest are gathered and leave at virtio_console_flush() or
 * when the buffer is full; bytes for the guest wait in a bounded backlog until it gives buffers.
 */
#ifndef VMM_DEVICES_VIRTIO_CONSOLE_H
#define VMM_DEVICES_VIRTIO_CONSOLE_H

#include "vmm/devices/device.h"

#define VIRTIO_CONSOLE_QUEUE_SIZE    128u
#define VIRTIO_CONSOLE_BACKLOG_BYTES (64u << 10) /* what is delivered beyond that is dropped */
#define VIRTIO_CONSOLE_MAX_WRITE     (1u << 20)  /* bytes of one chain; the rest is dropped */

struct virtio_console;

/* The MMIO window is VIRTIO_MMIO_SIZE long. Host is copied, memory must outlive the device. NULL if
 * out of memory. */
struct virtio_console *virtio_console_create(const struct device_host *host, uint32_t device,
                                             unsigned line, const struct guest_memory *memory);
void virtio_console_destroy(struct virtio_console *console);

bool virtio_console_read(struct virtio_console *console, uint64_t offset, unsigned size,
                         uint64_t *value);
bool virtio_console_write(struct virtio_console *console, uint64_t offset, unsigned size,
                          uint64_t value);

/* An input: bytes typed at the console. */
void virtio_console_deliver(struct virtio_console *console, const void *data, size_t size);
/* Gives host.output what was gathered. The machine calls it at each boundary. */
void virtio_console_flush(struct virtio_console *console);

/* Back to power-on; what was gathered leaves first. */
void virtio_console_reset(struct virtio_console *console);
uint64_t virtio_console_digest(const struct virtio_console *console);
void virtio_console_save(const struct virtio_console *console, struct state_writer *writer);
/* On failure (reader->error) the device is as after a reset. */
void virtio_console_load(struct virtio_console *console, struct state_reader *reader);

#endif
