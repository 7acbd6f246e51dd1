/*
 * The digest of a device: XXH3 over the very fields that it saves, so that no field can be saved
 * and yet escape the comparison of two replicas.
 */
#ifndef VMM_DEVICES_DIGEST_H
#define VMM_DEVICES_DIGEST_H

#include "vmm/devices/device.h"

/* Writes the guest-visible fields of `device`; must not depend on anything else. */
typedef void device_put_fields(const void *device, struct state_writer *writer);

uint64_t device_digest(device_put_fields *put_fields, const void *device);

#endif
