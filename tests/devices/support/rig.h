/*
 * What a device under test is plugged into: guest memory, and a host that records what the device
 * does to it. Whatever changes in memory without being reported to memory_written is found by
 * rig_all_writes_reported().
 */
#ifndef TESTS_DEVICES_SUPPORT_RIG_H
#define TESTS_DEVICES_SUPPORT_RIG_H

#include "vmm/devices/device.h"

#define RIG_RAM_SIZE    (UINT64_C(1) << 20)
#define RIG_LINE        5u
#define RIG_DEVICE      7u
#define RIG_MAX_OUTPUTS 1024u

struct rig_output {
    uint32_t device;
    uint8_t *data;
    size_t size;
};

struct rig {
    struct guest_memory memory;
    struct device_host host;
    bool line_level;
    unsigned line_rises;
    struct rig_output outputs[RIG_MAX_OUTPUTS]; /* the first ones */
    unsigned output_count;
    uint8_t *reported; /* memory as it would be if only reported writes had happened */
};

void rig_init(struct rig *rig);
void rig_free(struct rig *rig);
void rig_forget_outputs(struct rig *rig);

uint8_t *rig_at(struct rig *rig, uint64_t address, uint64_t size);
/* The guest writes, as opposed to the device. */
void rig_store(struct rig *rig, uint64_t address, const void *data, size_t size);
void rig_store16(struct rig *rig, uint64_t address, uint16_t value);
void rig_store32(struct rig *rig, uint64_t address, uint32_t value);
void rig_store64(struct rig *rig, uint64_t address, uint64_t value);
uint16_t rig_load16(struct rig *rig, uint64_t address);
uint32_t rig_load32(struct rig *rig, uint64_t address);

bool rig_all_writes_reported(const struct rig *rig);

#endif
