#include "vmm/machine/digest.h"

#include <xxhash.h>

#define MAX_PARTS (6u + MACHINE_MAX_DISKS + MACHINE_MAX_NICS)

static uint64_t digest_of(const struct machine *machine, uint64_t memory_digest)
{
    uint64_t parts[MAX_PARTS] = {
        hart_digest(machine->hart),      plic_digest(machine->plic),
        uart16550_digest(machine->uart), goldfish_rtc_digest(machine->rtc),
        virtio_rng_digest(machine->rng), memory_digest,
    };
    unsigned count = 6;
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        parts[count++] = virtio_blk_digest(machine->blk[i]);
    }
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        parts[count++] = virtio_net_digest(machine->net[i]);
    }
    uint64_t seed =
        machine->virtio_console != NULL ? virtio_console_digest(machine->virtio_console) : 0;
    return XXH3_64bits_withSeed(parts, count * sizeof parts[0], seed);
}

uint64_t machine_digest(void *context)
{
    const struct machine *machine = context;
    uint64_t windows = machine->memory.size / DIGEST_WINDOW;
    const uint8_t *window = machine->memory.host + machine->epoch.number % windows * DIGEST_WINDOW;
    return digest_of(machine, XXH3_64bits(window, DIGEST_WINDOW));
}

uint64_t machine_full_digest(struct machine *machine)
{
    return digest_of(machine, XXH3_64bits(machine->memory.host, machine->memory.size));
}
