/*
 * All device models behind one table of functions, for tests of what they have in common and for
 * the virtio driver of the tests.
 */
#ifndef TESTS_DEVICES_SUPPORT_DEVICE_OPS_H
#define TESTS_DEVICES_SUPPORT_DEVICE_OPS_H

#include "tests/devices/support/fake_disk.h"
#include "tests/devices/support/rig.h"

struct device_ops {
    const char *name;
    uint64_t window; /* bytes of MMIO */
    bool virtio;
    void *(*create)(struct rig *rig, struct disk *disk); /* the disk is for those that need one */
    void (*destroy)(void *device);
    bool (*read)(void *device, uint64_t offset, unsigned size, uint64_t *value);
    bool (*write)(void *device, uint64_t offset, unsigned size, uint64_t value);
    void (*deliver)(void *device, const void *data, size_t size); /* any input; may do nothing */
    void (*reset)(void *device);
    uint64_t (*digest)(const void *device);
    void (*save)(const void *device, struct state_writer *writer);
    void (*load)(void *device, struct state_reader *reader);
};

enum device_kind {
    DEVICE_PLIC,
    DEVICE_UART,
    DEVICE_RTC,
    DEVICE_NET,
    DEVICE_BLK,
    DEVICE_CONSOLE,
    DEVICE_RNG,
    DEVICE_KINDS
};

#define TEST_DISK_SIZE (UINT64_C(256) << 10)

const struct device_ops *device_ops(enum device_kind kind);
extern const uint8_t test_mac[6];

#endif
