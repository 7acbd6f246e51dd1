/*
 * A split virtqueue (virtio 1.2, 2.7) seen from the device: takes descriptor chains out of the
 * available ring and returns them through the used ring. With indirect descriptors and event
 * indices, if negotiated.
 *
 * This is where the device meets a hostile guest. Whatever the rings hold: no access outside RAM,
 * no endless walk, and a chain handed out is wholly checked. The rings may overlap each other or
 * the buffers; so nothing is read twice, and the caller bounds its loop by `size`, which a guest
 * that plays by the rules cannot exceed.
 *
 * Usage: while (virtqueue_pop() > 0) { ...; virtqueue_put_used(); } then virtqueue_publish().
 */
#ifndef VMM_DEVICES_VIRTQUEUE_H
#define VMM_DEVICES_VIRTQUEUE_H

#include "vmm/devices/virtio_buffer.h"

#define VIRTQUEUE_MAX_SIZE     1024u /* a power of 2 */
#define VIRTQUEUE_MAX_SEGMENTS 512u  /* descriptors of one chain, those of its table included */

struct virtqueue {
    /* Guest-visible. */
    uint16_t size; /* a power of 2, at most max_size */
    bool ready;
    uint64_t descriptors_address;
    uint64_t available_address;
    uint64_t used_address;
    uint16_t next_available; /* index, not masked, of the next entry to take */
    uint16_t next_used;      /* index, not masked, of the next entry to write */
    /* Negotiated features; set by the transport before the queue is ready. */
    bool indirect;
    bool event_index;
    /* Wired. */
    uint16_t max_size;
    const struct guest_memory *memory;
    const struct device_host *host;
    /* Derived: the rings, checked when the queue became ready. */
    uint8_t *descriptors;
    uint8_t *available;
    uint8_t *used;
    uint16_t published_used; /* next_used as the guest was last told */
};

/* A chain taken from the queue. The buffers point into `segments`. */
struct virtqueue_chain {
    uint16_t head;
    struct virtio_buffer readable; /* device-readable part, from the driver */
    struct virtio_buffer writable; /* device-writable part, for the driver */
    struct virtio_segment segments[VIRTQUEUE_MAX_SEGMENTS];
};

void virtqueue_wire(struct virtqueue *queue, uint16_t max_size, const struct guest_memory *memory,
                    const struct device_host *host);
/* Power-on: not ready, size max_size, no addresses. */
void virtqueue_reset(struct virtqueue *queue);
/* Checks size and addresses and finds the rings; false if they break the rules. */
bool virtqueue_enable(struct virtqueue *queue);

/* 1: a chain; 0: none available; negative: the guest broke the rules (nothing was taken). */
int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain);
/* Puts back the chain popped last. */
void virtqueue_unpop(struct virtqueue *queue);
/* Returns a chain with `written` bytes of its writable part filled. Seen by the guest after
 * virtqueue_publish(). */
void virtqueue_put_used(struct virtqueue *queue, uint16_t head, uint32_t written);
/* Ends a batch of the above. True if the guest wants an interrupt for it. */
bool virtqueue_publish(struct virtqueue *queue);

void virtqueue_save(const struct virtqueue *queue, struct state_writer *writer);
/* The negotiated features must be set. Fails the reader if what was read is not a possible state.
 */
void virtqueue_load(struct virtqueue *queue, struct state_reader *reader);

#endif
