#include "vmm/devices/virtio_console.h"

#include <stdlib.h>

#include "vmm/devices/byte_queue.h"
#include "vmm/devices/digest.h"
#include "vmm/devices/output_buffer.h"
#include "vmm/devices/virtio_mmio.h"

/* Queues of port 0 (virtio 1.2, 5.3.2). */
#define RECEIVE_QUEUE  0u
#define TRANSMIT_QUEUE 1u

struct virtio_console {
    struct virtio_mmio mmio;
    /* Guest-visible. */
    struct byte_queue backlog;
    struct output_buffer sent;
    /* Wired. */
    uint32_t device;
    /* Scratch. */
    struct virtqueue_chain chain;
};

static uint32_t fill_chain(struct virtio_console *console)
{
    const struct virtio_buffer *buffer = &console->chain.writable;
    uint32_t filled = 0;
    while (filled < buffer->size && console->backlog.size > 0) {
        uint8_t piece[1024];
        size_t room = buffer->size - filled;
        uint32_t count =
            byte_queue_get(&console->backlog, piece, room < sizeof piece ? room : sizeof piece);
        virtio_buffer_write(buffer, &console->mmio.host, filled, piece, count);
        filled += count;
    }
    return filled;
}

static void receive(struct virtio_console *console)
{
    struct virtqueue *queue = &console->mmio.queues[RECEIVE_QUEUE];
    for (unsigned i = 0; i < queue->size && console->backlog.size > 0 &&
                         virtio_mmio_pop(&console->mmio, RECEIVE_QUEUE, &console->chain);
         i++) {
        uint32_t filled = fill_chain(console);
        virtqueue_put_used(queue, console->chain.head, filled);
    }
    virtio_mmio_publish(&console->mmio, RECEIVE_QUEUE);
}

static void transmit_chain(struct virtio_console *console)
{
    const struct virtio_buffer *buffer = &console->chain.readable;
    uint32_t rest = VIRTIO_CONSOLE_MAX_WRITE;
    for (unsigned i = 0; i < buffer->count && rest > 0; i++) {
        const struct virtio_segment *segment = &buffer->segments[i];
        uint32_t count = segment->size < rest ? segment->size : rest;
        output_buffer_put(&console->sent, &console->mmio.host, console->device, segment->host,
                          count);
        rest -= count;
    }
}

static void transmit(struct virtio_console *console)
{
    struct virtqueue *queue = &console->mmio.queues[TRANSMIT_QUEUE];
    for (unsigned i = 0;
         i < queue->size && virtio_mmio_pop(&console->mmio, TRANSMIT_QUEUE, &console->chain); i++) {
        transmit_chain(console);
        virtqueue_put_used(queue, console->chain.head, 0);
    }
    virtio_mmio_publish(&console->mmio, TRANSMIT_QUEUE);
}

static void notified(void *device, unsigned queue)
{
    if (queue == RECEIVE_QUEUE) {
        receive(device);
    } else {
        transmit(device);
    }
}

static void driver_reset(void *device)
{
    (void)device; /* what was typed ahead waits for the driver to come back */
}

static const struct virtio_model model = {
    .device_id = 3,
    .queue_count = 2,
    .queue_size = VIRTIO_CONSOLE_QUEUE_SIZE,
    .notified = notified,
    .reset = driver_reset,
};

struct virtio_console *virtio_console_create(const struct device_host *host, uint32_t device,
                                             unsigned line, const struct guest_memory *memory)
{
    struct virtio_console *console = calloc(1, sizeof *console);
    if (console == NULL) {
        return NULL;
    }
    virtio_mmio_wire(&console->mmio, &model, console, host, line, memory, NULL, 0);
    console->device = device;
    if (!byte_queue_init(&console->backlog, VIRTIO_CONSOLE_BACKLOG_BYTES)) {
        virtio_console_destroy(console);
        return NULL;
    }
    return console;
}

void virtio_console_destroy(struct virtio_console *console)
{
    if (console != NULL) {
        byte_queue_free(&console->backlog);
        free(console);
    }
}

bool virtio_console_read(struct virtio_console *console, uint64_t offset, unsigned size,
                         uint64_t *value)
{
    return virtio_mmio_read(&console->mmio, offset, size, value);
}

bool virtio_console_write(struct virtio_console *console, uint64_t offset, unsigned size,
                          uint64_t value)
{
    return virtio_mmio_write(&console->mmio, offset, size, value);
}

void virtio_console_deliver(struct virtio_console *console, const void *data, size_t size)
{
    byte_queue_put(&console->backlog, data, size);
    receive(console);
}

void virtio_console_flush(struct virtio_console *console)
{
    output_buffer_flush(&console->sent, &console->mmio.host, console->device);
}

void virtio_console_reset(struct virtio_console *console)
{
    virtio_console_flush(console);
    virtio_mmio_reset(&console->mmio);
    byte_queue_clear(&console->backlog);
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct virtio_console *console = device;
    state_put_tag(writer, "VCON", 1);
    virtio_mmio_save(&console->mmio, writer);
    byte_queue_save(&console->backlog, writer);
    output_buffer_save(&console->sent, writer);
}

uint64_t virtio_console_digest(const struct virtio_console *console)
{
    return device_digest(put_fields, console);
}

void virtio_console_save(const struct virtio_console *console, struct state_writer *writer)
{
    put_fields(console, writer);
}

void virtio_console_load(struct virtio_console *console, struct state_reader *reader)
{
    state_get_tag(reader, "VCON", 1);
    virtio_mmio_load(&console->mmio, reader);
    byte_queue_load(&console->backlog, reader);
    output_buffer_load(&console->sent, reader);
    if (reader->error != 0) {
        console->sent.size = 0;
        virtio_console_reset(console);
    }
}
