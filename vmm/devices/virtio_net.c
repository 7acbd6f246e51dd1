#include "vmm/devices/virtio_net.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/devices/byte_queue.h"
#include "vmm/devices/digest.h"
#include "vmm/devices/ethernet.h"
#include "vmm/devices/virtio_mmio.h"

#define FEATURE_MAC (UINT64_C(1) << 5)

#define RECEIVE_QUEUE  0u
#define TRANSMIT_QUEUE 1u

/* struct virtio_net_hdr (virtio 1.2, 5.1.6), in front of every frame in a guest's buffer. Without
 * offloads all of it is zero but num_buffers, which is 1. */
#define HEADER_SIZE        12u
#define HEADER_NUM_BUFFERS 10u

/* In front of every frame in the backlog: its length, 32 bits little endian. */
#define LENGTH_SIZE 4u

struct virtio_net {
    struct virtio_mmio mmio;
    /* Guest-visible. */
    struct byte_queue backlog;
    uint32_t ipv4; /* network order */
    /* Wired. */
    uint32_t device;
    uint8_t mac[6];
    /* Not state. */
    uint64_t dropped;
    struct virtqueue_chain chain;
    uint8_t frame[VIRTIO_NET_MAX_FRAME];
};

/* Puts a frame into the guest's next buffer. False: there is none. A frame that does not fit is
 * dropped and the buffer kept, as no device may split a frame without mergeable buffers. */
static bool receive_frame(struct virtio_net *net, const uint8_t *frame, uint32_t size)
{
    struct virtqueue *queue = &net->mmio.queues[RECEIVE_QUEUE];
    if (!virtio_mmio_pop(&net->mmio, RECEIVE_QUEUE, &net->chain)) {
        return false;
    }
    const struct virtio_buffer *buffer = &net->chain.writable;
    if (buffer->size < HEADER_SIZE + size) {
        virtqueue_unpop(queue);
        net->dropped++;
        return true;
    }
    const uint8_t header[HEADER_SIZE] = {[HEADER_NUM_BUFFERS] = 1};
    virtio_buffer_write(buffer, &net->mmio.host, 0, header, HEADER_SIZE);
    virtio_buffer_write(buffer, &net->mmio.host, HEADER_SIZE, frame, size);
    virtqueue_put_used(queue, net->chain.head, HEADER_SIZE + size);
    return true;
}

static uint32_t backlog_frame_size(const struct virtio_net *net)
{
    uint32_t little = 0;
    byte_queue_peek(&net->backlog, &little, sizeof little);
    return le32toh(little);
}

static void append_to_backlog(struct virtio_net *net, const void *frame, uint32_t size)
{
    if (byte_queue_room(&net->backlog) < LENGTH_SIZE + size) {
        net->dropped++;
        return;
    }
    uint32_t little = htole32(size);
    byte_queue_put(&net->backlog, &little, sizeof little);
    byte_queue_put(&net->backlog, frame, size);
}

static void drain_backlog(struct virtio_net *net)
{
    unsigned limit = net->mmio.queues[RECEIVE_QUEUE].size;
    for (unsigned i = 0; i < limit && net->backlog.size > 0; i++) {
        uint32_t size = backlog_frame_size(net);
        struct byte_queue rest = net->backlog;
        byte_queue_skip(&rest, LENGTH_SIZE);
        byte_queue_get(&rest, net->frame, size);
        if (!receive_frame(net, net->frame, size)) {
            break;
        }
        net->backlog = rest;
    }
}

void virtio_net_deliver(struct virtio_net *net, const void *frame, size_t size)
{
    if (size < ETHERNET_HEADER_SIZE || size > VIRTIO_NET_MAX_FRAME ||
        !virtio_mmio_queue_usable(&net->mmio, RECEIVE_QUEUE)) {
        net->dropped++;
        return;
    }
    drain_backlog(net);
    if (net->backlog.size > 0 || !receive_frame(net, frame, (uint32_t)size)) {
        append_to_backlog(net, frame, (uint32_t)size);
    }
    virtio_mmio_publish(&net->mmio, RECEIVE_QUEUE);
}

static void transmit_chain(struct virtio_net *net)
{
    const struct virtio_buffer *buffer = &net->chain.readable;
    if (buffer->size < HEADER_SIZE + ETHERNET_HEADER_SIZE ||
        buffer->size > HEADER_SIZE + VIRTIO_NET_MAX_FRAME) {
        return;
    }
    uint32_t size = buffer->size - HEADER_SIZE;
    const uint8_t *frame = virtio_buffer_span(buffer, HEADER_SIZE, size);
    if (frame == NULL) {
        virtio_buffer_read(buffer, HEADER_SIZE, net->frame, size);
        frame = net->frame;
    }
    uint32_t sender = ethernet_sender_ipv4(frame, size, net->mac);
    if (sender != 0) {
        net->ipv4 = sender;
    }
    net->mmio.host.output(net->mmio.host.context, net->device, frame, size);
}

static void transmit(struct virtio_net *net)
{
    struct virtqueue *queue = &net->mmio.queues[TRANSMIT_QUEUE];
    for (unsigned i = 0;
         i < queue->size && virtio_mmio_pop(&net->mmio, TRANSMIT_QUEUE, &net->chain); i++) {
        transmit_chain(net);
        virtqueue_put_used(queue, net->chain.head, 0);
    }
    virtio_mmio_publish(&net->mmio, TRANSMIT_QUEUE);
}

static void notified(void *device, unsigned queue)
{
    struct virtio_net *net = device;
    if (queue == TRANSMIT_QUEUE) {
        transmit(net);
    } else {
        drain_backlog(net);
        virtio_mmio_publish(&net->mmio, RECEIVE_QUEUE);
    }
}

static void driver_reset(void *device)
{
    struct virtio_net *net = device;
    byte_queue_clear(&net->backlog);
}

static const struct virtio_model model = {
    .device_id = 1,
    .features = FEATURE_MAC,
    .queue_count = 2,
    .queue_size = VIRTIO_NET_QUEUE_SIZE,
    .notified = notified,
    .reset = driver_reset,
};

struct virtio_net *virtio_net_create(const struct device_host *host, uint32_t device, unsigned line,
                                     const struct guest_memory *memory, const uint8_t mac[6])
{
    struct virtio_net *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return NULL;
    }
    net->device = device;
    memcpy(net->mac, mac, sizeof net->mac);
    /* The configuration space begins with the MAC (5.1.4); what follows belongs to features that
     * are not offered. */
    virtio_mmio_wire(&net->mmio, &model, net, host, line, memory, net->mac, sizeof net->mac);
    if (!byte_queue_init(&net->backlog, VIRTIO_NET_BACKLOG_BYTES)) {
        virtio_net_destroy(net);
        return NULL;
    }
    return net;
}

void virtio_net_destroy(struct virtio_net *net)
{
    if (net != NULL) {
        byte_queue_free(&net->backlog);
        free(net);
    }
}

bool virtio_net_read(struct virtio_net *net, uint64_t offset, unsigned size, uint64_t *value)
{
    return virtio_mmio_read(&net->mmio, offset, size, value);
}

bool virtio_net_write(struct virtio_net *net, uint64_t offset, unsigned size, uint64_t value)
{
    return virtio_mmio_write(&net->mmio, offset, size, value);
}

uint32_t virtio_net_ipv4(const struct virtio_net *net)
{
    return net->ipv4;
}

uint64_t virtio_net_dropped(const struct virtio_net *net)
{
    return net->dropped;
}

void virtio_net_reset(struct virtio_net *net)
{
    virtio_mmio_reset(&net->mmio);
    byte_queue_clear(&net->backlog);
    net->ipv4 = 0;
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct virtio_net *net = device;
    state_put_tag(writer, "VNET", 1);
    virtio_mmio_save(&net->mmio, writer);
    state_put_bytes(writer, net->mac, sizeof net->mac);
    state_put_u32(writer, net->ipv4);
    byte_queue_save(&net->backlog, writer);
}

uint64_t virtio_net_digest(const struct virtio_net *net)
{
    return device_digest(put_fields, net);
}

void virtio_net_save(const struct virtio_net *net, struct state_writer *writer)
{
    put_fields(net, writer);
}

/* The backlog must be whole frames of possible sizes. */
static bool backlog_is_possible(const struct virtio_net *net)
{
    struct byte_queue rest = net->backlog;
    while (rest.size > 0) {
        uint32_t little = 0;
        if (byte_queue_get(&rest, &little, sizeof little) < sizeof little) {
            return false;
        }
        uint32_t size = le32toh(little);
        if (size < ETHERNET_HEADER_SIZE || size > VIRTIO_NET_MAX_FRAME || size > rest.size) {
            return false;
        }
        byte_queue_skip(&rest, size);
    }
    return true;
}

void virtio_net_load(struct virtio_net *net, struct state_reader *reader)
{
    uint8_t mac[6];
    state_get_tag(reader, "VNET", 1);
    virtio_mmio_load(&net->mmio, reader);
    state_get_bytes(reader, mac, sizeof mac);
    net->ipv4 = state_get_u32(reader);
    byte_queue_load(&net->backlog, reader);
    if (!backlog_is_possible(net)) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        virtio_net_reset(net);
        return;
    }
    memcpy(net->mac, mac, sizeof net->mac); /* the guest has read it already */
}
