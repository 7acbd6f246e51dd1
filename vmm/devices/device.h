/*
 * What every device model of the machine has in common.
 *
 * A device is a deterministic function of the guest's accesses and of the inputs delivered to it:
 * it has no thread, no clock and no file. It acts inside the guest's MMIO write (a notify), inside
 * X_deliver() (an input of the log, at a boundary) and nowhere else. What leaves the machine goes
 * through struct device_host.output; a disk request goes to a backend, and its completion comes
 * back as an input.
 *
 * State of a device stands in three groups: guest-visible (saved by X_save, covered by X_digest),
 * wired (pointers to memory, host, backend: given at creation, never saved), derived (rebuilt by
 * X_load).
 *
 * The guest is hostile. Every address, length, index and chain that it supplies is checked; a guest
 * that breaks the rules of its device sets that device's DEVICE_NEEDS_RESET (virtio 1.2, 2.1.2) and
 * harms nobody but itself.
 *
 * All calls are made on the vCPU thread.
 */
#ifndef VMM_DEVICES_DEVICE_H
#define VMM_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/memory.h"
#include "vmm/state/state.h"

/* Services of the machine that a device may call. */
struct device_host {
    void *context;
    /* Level of the device's interrupt line towards the interrupt controller. */
    void (*set_interrupt)(void *context, unsigned line, bool level);
    /* Something leaves the machine. `device` is the number given at the device's creation. Data is
     * copied before the call returns. */
    void (*output)(void *context, uint32_t device, const void *data, size_t size);
    /* The device wrote guest RAM. Must follow every write, before the hart runs again. */
    void (*memory_written)(void *context, uint64_t address, uint64_t size);
};

#endif
