/*
 * A virtio driver as a guest has one: negotiates, sets up its queues in guest memory, offers chains
 * and takes back what the device used. Each step can be left out or bent by a test.
 */
#ifndef TESTS_DEVICES_SUPPORT_DRIVER_H
#define TESTS_DEVICES_SUPPORT_DRIVER_H

#include "tests/devices/support/device_ops.h"

/* Registers and bits that tests use by name (virtio 1.2, 4.2.2, 2.1, 2.7.5). */
#define REG_DEVICE_FEATURES        0x010u
#define REG_DEVICE_FEATURES_SELECT 0x014u
#define REG_DRIVER_FEATURES        0x020u
#define REG_DRIVER_FEATURES_SELECT 0x024u
#define REG_QUEUE_SELECT           0x030u
#define REG_QUEUE_SIZE_MAX         0x034u
#define REG_QUEUE_SIZE             0x038u
#define REG_QUEUE_READY            0x044u
#define REG_QUEUE_NOTIFY           0x050u
#define REG_INTERRUPT_STATUS       0x060u
#define REG_INTERRUPT_ACK          0x064u
#define REG_STATUS                 0x070u
#define REG_QUEUE_DESCRIPTORS      0x080u
#define REG_QUEUE_DRIVER           0x090u
#define REG_QUEUE_DEVICE           0x0a0u
#define REG_CONFIG                 0x100u

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 0x40u

#define FLAG_NEXT     1u
#define FLAG_WRITE    2u
#define FLAG_INDIRECT 4u

/* Where the driver keeps things: each queue has a 64 KiB area, buffers come after. */
#define DRIVER_BUFFERS (GUEST_RAM_START + 0x40000u)

struct driver_queue {
    uint16_t size;
    uint64_t descriptors;
    uint64_t available;
    uint64_t used;
    uint16_t next_descriptor; /* descriptors are handed out round robin */
    uint16_t available_index;
    uint16_t used_index; /* what was taken back */
};

struct driver {
    struct rig *rig;
    const struct device_ops *ops;
    void *device;
    struct driver_queue queues[2];
};

struct driver_segment {
    uint64_t address;
    uint32_t size;
    bool writable;
};

struct driver_used {
    uint32_t head;
    uint32_t written;
};

void driver_init(struct driver *driver, struct rig *rig, const struct device_ops *ops,
                 void *device);
/* Everything up to DRIVER_OK, with the features given beside VERSION_1. */
void driver_start(struct driver *driver, unsigned queue_count, uint16_t queue_size,
                  uint64_t features);

uint32_t driver_read(struct driver *driver, uint64_t offset);
void driver_write(struct driver *driver, uint64_t offset, uint32_t value);
/* Acknowledge .. FEATURES_OK; true if the device accepted. */
bool driver_negotiate(struct driver *driver, uint64_t features);
void driver_setup_queue(struct driver *driver, unsigned queue, uint16_t size);

void driver_set_descriptor(struct driver *driver, uint64_t table, uint16_t index, uint64_t address,
                           uint32_t size, uint16_t flags, uint16_t next);
/* Writes a chain of direct descriptors and makes it available; returns its head. */
uint16_t driver_offer(struct driver *driver, unsigned queue, const struct driver_segment *segments,
                      unsigned count);
/* Makes a head available, whatever is there. */
void driver_offer_head(struct driver *driver, unsigned queue, uint16_t head);
void driver_notify(struct driver *driver, unsigned queue);
/* Takes the next used chain; false if there is none. */
bool driver_take_used(struct driver *driver, unsigned queue, struct driver_used *used);
bool driver_needs_reset(struct driver *driver);

#endif
