#include "vmm/machine/digest.h"

#include <xxhash.h>

#define MAX_DEVICES (6u + MACHINE_MAX_DISKS + MACHINE_MAX_NICS)

/* A device's digest stands for its state. */
struct device_part {
    const char *name;
    uint64_t index;
    uint64_t digest;
};

static unsigned digest_devices(const struct machine *machine, struct device_part parts[MAX_DEVICES])
{
    unsigned count = 0;
    parts[count++] = (struct device_part){"hart", 0, hart_digest(machine->hart)};
    parts[count++] = (struct device_part){"plic", 0, plic_digest(machine->plic)};
    parts[count++] = (struct device_part){"uart", 0, uart16550_digest(machine->uart)};
    parts[count++] = (struct device_part){"rtc", 0, goldfish_rtc_digest(machine->rtc)};
    parts[count++] = (struct device_part){"rng", 0, virtio_rng_digest(machine->rng)};
    if (machine->virtio_console != NULL) {
        parts[count++] =
            (struct device_part){"console", 0, virtio_console_digest(machine->virtio_console)};
    }
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        parts[count++] = (struct device_part){"disk", i, virtio_blk_digest(machine->blk[i])};
    }
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        parts[count++] = (struct device_part){"nic", i, virtio_net_digest(machine->net[i])};
    }
    return count;
}

void machine_digest(void *context, struct ftvm_digest *digest)
{
    const struct machine *machine = context;
    struct device_part devices[MAX_DEVICES];
    unsigned device_count = digest_devices(machine, devices);
    uint64_t windows = machine->memory.size / DIGEST_WINDOW;
    uint64_t first = machine->epoch.number % windows;
    uint64_t count = 1;
    if (ftvm_digest_is_whole(digest)) {
        first = 0;
        count = windows;
    }
    for (unsigned i = 0; i < device_count; i++) {
        ftvm_digest_add(digest, devices[i].name, devices[i].index, &devices[i].digest,
                        sizeof devices[i].digest);
    }
    for (uint64_t i = first; i < first + count; i++) {
        ftvm_digest_add(digest, "16 KiB of memory", i, machine->memory.host + i * DIGEST_WINDOW,
                        DIGEST_WINDOW);
    }
}

uint64_t machine_full_digest(struct machine *machine)
{
    struct device_part devices[MAX_DEVICES];
    unsigned count = digest_devices(machine, devices);
    uint64_t digest = XXH3_64bits(machine->memory.host, machine->memory.size);
    for (unsigned i = 0; i < count; i++) {
        digest = XXH3_64bits_withSeed(&devices[i].digest, sizeof devices[i].digest, digest);
    }
    return digest;
}
