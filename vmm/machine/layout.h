/*
 * Where things are in the guest's physical address space, and the one numbering of devices.
 *
 * A device's number is its interrupt line at the PLIC; inputs and outputs of the log carry the same
 * number. Each virtio device has a fixed slot whether or not the others exist, so numbers never
 * depend on the configuration.
 */
#ifndef VMM_MACHINE_LAYOUT_H
#define VMM_MACHINE_LAYOUT_H

#include "vmm/devices/goldfish_rtc.h"
#include "vmm/devices/plic.h"
#include "vmm/devices/uart16550.h"
#include "vmm/devices/virtio_mmio.h"
#include "vmm/machine/machine.h"
#include "vmm/memory.h"

/* PLIC_ADDRESS and GUEST_RAM_START stand with their modules. */
#define MACHINE_RTC_ADDRESS  UINT64_C(0x00101000)
#define MACHINE_UART_ADDRESS UINT64_C(0x10000000)
#define MACHINE_VIRTIO_ADDRESS                                                                     \
    UINT64_C(0x10001000) /* of slot 0; slots are VIRTIO_MMIO_SIZE apart */

#define MACHINE_SLOT_RNG     0u
#define MACHINE_SLOT_CONSOLE 1u
#define MACHINE_SLOT_DISK    2u
#define MACHINE_SLOT_NIC     (MACHINE_SLOT_DISK + MACHINE_MAX_DISKS)
#define MACHINE_SLOTS        (MACHINE_SLOT_NIC + MACHINE_MAX_NICS)

#define MACHINE_DEVICE_UART   10u
#define MACHINE_DEVICE_RTC    11u
#define MACHINE_DEVICE_VIRTIO 16u /* of slot 0 */

_Static_assert(MACHINE_DEVICE_VIRTIO + MACHINE_SLOTS <= PLIC_SOURCES, "a line for every slot");

static inline uint32_t machine_slot_device(unsigned slot)
{
    return MACHINE_DEVICE_VIRTIO + slot;
}

static inline uint64_t machine_slot_address(unsigned slot)
{
    return MACHINE_VIRTIO_ADDRESS + slot * VIRTIO_MMIO_SIZE;
}

/* The slot is there on a machine of this description. */
static inline bool machine_slot_exists(const struct machine_description *description, unsigned slot)
{
    if (slot == MACHINE_SLOT_RNG) {
        return true;
    }
    if (slot == MACHINE_SLOT_CONSOLE) {
        return description->console_virtio;
    }
    if (slot < MACHINE_SLOT_NIC) {
        return slot - MACHINE_SLOT_DISK < description->disk_count;
    }
    return slot < MACHINE_SLOTS && slot - MACHINE_SLOT_NIC < description->nic_count;
}

#endif
