#include "tests/devices/support/driver.h"

#include <assert.h>

#define QUEUE_AREA 0x10000u

void driver_init(struct driver *driver, struct rig *rig, const struct device_ops *ops, void *device)
{
    *driver = (struct driver){.rig = rig, .ops = ops, .device = device};
}

uint32_t driver_read(struct driver *driver, uint64_t offset)
{
    uint64_t value = 0;
    bool ok = driver->ops->read(driver->device, offset, 4, &value);
    assert(ok);
    return (uint32_t)value;
}

void driver_write(struct driver *driver, uint64_t offset, uint32_t value)
{
    bool ok = driver->ops->write(driver->device, offset, 4, value);
    assert(ok);
}

bool driver_negotiate(struct driver *driver, uint64_t features)
{
    features |= UINT64_C(1) << 32;
    driver_write(driver, REG_STATUS, 0);
    driver_write(driver, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        driver_write(driver, REG_DRIVER_FEATURES_SELECT, i);
        driver_write(driver, REG_DRIVER_FEATURES, (uint32_t)(features >> 32 * i));
    }
    driver_write(driver, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    return (driver_read(driver, REG_STATUS) & STATUS_FEATURES_OK) != 0;
}

static void write_address(struct driver *driver, uint64_t offset, uint64_t address)
{
    driver_write(driver, offset, (uint32_t)address);
    driver_write(driver, offset + 4, (uint32_t)(address >> 32));
}

void driver_setup_queue(struct driver *driver, unsigned index, uint16_t size)
{
    struct driver_queue *queue = &driver->queues[index];
    uint64_t area = GUEST_RAM_START + QUEUE_AREA * index;
    *queue = (struct driver_queue){
        .size = size,
        .descriptors = area,
        .available = area + 0x8000,
        .used = area + 0xa000,
    };
    const uint8_t zeros[0x4000] = {0};
    rig_store(driver->rig, queue->available, zeros, sizeof zeros); /* both rings */
    driver_write(driver, REG_QUEUE_SELECT, index);
    driver_write(driver, REG_QUEUE_SIZE, size);
    write_address(driver, REG_QUEUE_DESCRIPTORS, queue->descriptors);
    write_address(driver, REG_QUEUE_DRIVER, queue->available);
    write_address(driver, REG_QUEUE_DEVICE, queue->used);
    driver_write(driver, REG_QUEUE_READY, 1);
}

void driver_start(struct driver *driver, unsigned queue_count, uint16_t queue_size,
                  uint64_t features)
{
    bool accepted = driver_negotiate(driver, features);
    assert(accepted);
    for (unsigned i = 0; i < queue_count; i++) {
        driver_setup_queue(driver, i, queue_size);
    }
    driver_write(driver, REG_STATUS,
                 STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void driver_set_descriptor(struct driver *driver, uint64_t table, uint16_t index, uint64_t address,
                           uint32_t size, uint16_t flags, uint16_t next)
{
    uint64_t at = table + 16u * index;
    rig_store64(driver->rig, at, address);
    rig_store32(driver->rig, at + 8, size);
    rig_store16(driver->rig, at + 12, flags);
    rig_store16(driver->rig, at + 14, next);
}

void driver_offer_head(struct driver *driver, unsigned index, uint16_t head)
{
    struct driver_queue *queue = &driver->queues[index];
    rig_store16(driver->rig, queue->available + 4 + 2u * (queue->available_index % queue->size),
                head);
    queue->available_index++;
    rig_store16(driver->rig, queue->available + 2, queue->available_index);
}

uint16_t driver_offer(struct driver *driver, unsigned index, const struct driver_segment *segments,
                      unsigned count)
{
    struct driver_queue *queue = &driver->queues[index];
    uint16_t head = queue->next_descriptor;
    for (unsigned i = 0; i < count; i++) {
        uint16_t here = queue->next_descriptor;
        uint16_t next = (uint16_t)((here + 1) % queue->size);
        uint16_t flags = (segments[i].writable ? FLAG_WRITE : 0) | (i + 1 < count ? FLAG_NEXT : 0);
        driver_set_descriptor(driver, queue->descriptors, here, segments[i].address,
                              segments[i].size, flags, next);
        queue->next_descriptor = next;
    }
    driver_offer_head(driver, index, head);
    return head;
}

void driver_notify(struct driver *driver, unsigned queue)
{
    driver_write(driver, REG_QUEUE_NOTIFY, queue);
}

bool driver_take_used(struct driver *driver, unsigned index, struct driver_used *used)
{
    struct driver_queue *queue = &driver->queues[index];
    if (rig_load16(driver->rig, queue->used + 2) == queue->used_index) {
        return false;
    }
    uint64_t entry = queue->used + 4 + 8u * (queue->used_index % queue->size);
    used->head = rig_load32(driver->rig, entry);
    used->written = rig_load32(driver->rig, entry + 4);
    queue->used_index++;
    return true;
}

bool driver_needs_reset(struct driver *driver)
{
    return (driver_read(driver, REG_STATUS) & STATUS_NEEDS_RESET) != 0;
}
