/*
 * The register window of a virtio device: MMIO transport, version 2 (virtio 1.2, 4.2), not legacy.
 *
 * Device models embed it: it does registers, status, feature negotiation, interrupt status and the
 * queues' set-up, and calls the model when a queue is notified. Used only by the device models.
 */
#ifndef VMM_DEVICES_VIRTIO_MMIO_H
#define VMM_DEVICES_VIRTIO_MMIO_H

#include "vmm/devices/virtqueue.h"

#define VIRTIO_MMIO_SIZE       UINT64_C(0x1000)
#define VIRTIO_MMIO_MAX_QUEUES 2u

/* Feature bits of every device (virtio 1.2, 6). */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

/* What a device model is. Constant; must outlive the transport. */
struct virtio_model {
    uint32_t device_id; /* virtio 1.2, 5 */
    uint64_t features;  /* of this type; the transport adds its own */
    unsigned queue_count;
    uint16_t queue_size;
    /* The guest notified a queue; it is ready and the driver is up. */
    void (*notified)(void *device, unsigned queue);
    /* The driver reset the device. The transport is reset already. */
    void (*reset)(void *device);
};

struct virtio_mmio {
    /* Guest-visible. */
    uint32_t status;
    uint32_t interrupt_status;
    uint32_t device_features_select;
    uint32_t driver_features_select;
    uint64_t driver_features;
    uint32_t queue_select;
    struct virtqueue queues[VIRTIO_MMIO_MAX_QUEUES];
    /* Wired. */
    const struct virtio_model *model;
    void *device; /* context of the model's callbacks */
    struct device_host host;
    unsigned line;
    const uint8_t *config; /* the device's configuration space; constant */
    size_t config_size;
};

void virtio_mmio_wire(struct virtio_mmio *mmio, const struct virtio_model *model, void *device,
                      const struct device_host *host, unsigned line,
                      const struct guest_memory *memory, const uint8_t *config, size_t config_size);
void virtio_mmio_reset(struct virtio_mmio *mmio); /* power-on; lowers the interrupt line */

bool virtio_mmio_read(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t *value);
bool virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value);

/* True if the device may use the queue: driver up, queue ready, no reset needed. */
bool virtio_mmio_queue_usable(const struct virtio_mmio *mmio, unsigned queue);
/* virtqueue_pop() that turns a broken rule into DEVICE_NEEDS_RESET. False: no chain. */
bool virtio_mmio_pop(struct virtio_mmio *mmio, unsigned queue, struct virtqueue_chain *chain);
/* virtqueue_publish(), with the interrupt that it may ask for. */
void virtio_mmio_publish(struct virtio_mmio *mmio, unsigned queue);
/* The guest broke the rules of the device: it stops until the driver resets it (2.1.2). */
void virtio_mmio_needs_reset(struct virtio_mmio *mmio);

void virtio_mmio_save(const struct virtio_mmio *mmio, struct state_writer *writer);
void virtio_mmio_load(struct virtio_mmio *mmio, struct state_reader *reader);

#endif
