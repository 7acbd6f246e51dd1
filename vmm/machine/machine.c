/*
 * Building a machine, switching it on, and taking it apart.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/backends/fail.h"
#include "vmm/machine/bus.h"
#include "vmm/machine/device_tree.h"
#include "vmm/machine/run.h"
#include "vmm/machine/sbi.h"
#include "vmm/machine/world.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

/* Where a constructor puts the reason of its failure. */
struct reason {
    char *text;
    size_t size;
};

static int out_of_memory(const struct reason *reason)
{
    return backend_fail(reason->text, reason->size, -ENOMEM, "out of memory");
}

/* ---- RAM ---- */

static int create_memory(struct machine *machine, const struct reason *reason)
{
    uint64_t size = machine->description.memory;
    /* Aligned to huge pages, so that all of it can be backed by them. */
    uint8_t *map = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        return backend_fail(reason->text, reason->size, -errno,
                            "no room for %" PRIu64 " MiB of guest memory: %s", size >> 20,
                            strerror(errno));
    }
    uint64_t skip = -(uint64_t)(uintptr_t)map % HUGE_PAGE;
    if (skip > 0) {
        munmap(map, skip);
    }
    if (skip < HUGE_PAGE) {
        munmap(map + skip + size, HUGE_PAGE - skip);
    }
    madvise(map + skip, size, MADV_HUGEPAGE);
    machine->memory =
        (struct guest_memory){.host = map + skip, .start = GUEST_RAM_START, .size = size};
    return 0;
}

/* ---- Devices ---- */

/* The generator's seed is 32 bytes, the description's 8: spread by splitmix64's finalizer. */
static void spread_seed(uint64_t seed, uint8_t spread[VIRTIO_RNG_SEED_SIZE])
{
    for (unsigned i = 0; i < VIRTIO_RNG_SEED_SIZE; i++) {
        if (i % 8 == 0) {
            seed += UINT64_C(0x9e3779b97f4a7c15);
        }
        uint64_t mixed = seed;
        mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
        mixed ^= mixed >> 31;
        spread[i] = (uint8_t)(mixed >> (8 * (i % 8)));
    }
}

static bool create_virtio(struct machine *machine, const struct device_host *host)
{
    const struct machine_description *description = &machine->description;
    const struct guest_memory *memory = &machine->memory;
    uint8_t seed[VIRTIO_RNG_SEED_SIZE];
    spread_seed(description->seed, seed);
    machine->rng = virtio_rng_create(host, machine_slot_device(MACHINE_SLOT_RNG), memory, seed);
    bool complete = machine->rng != NULL;
    if (description->console_virtio) {
        uint32_t device = machine_slot_device(MACHINE_SLOT_CONSOLE);
        machine->virtio_console = virtio_console_create(host, device, device, memory);
        complete = complete && machine->virtio_console != NULL;
    }
    for (unsigned i = 0; i < description->disk_count; i++) {
        char serial[VIRTIO_BLK_ID_SIZE + 1];
        snprintf(serial, sizeof serial, "ftvm-disk%u", i);
        machine->blk[i] = virtio_blk_create(host, machine_slot_device(MACHINE_SLOT_DISK + i),
                                            memory, machine->disk[i], serial);
        complete = complete && machine->blk[i] != NULL;
    }
    for (unsigned i = 0; i < description->nic_count; i++) {
        uint32_t device = machine_slot_device(MACHINE_SLOT_NIC + i);
        machine->net[i] = virtio_net_create(host, device, device, memory, description->nic_mac[i]);
        complete = complete && machine->net[i] != NULL;
    }
    return complete;
}

static int create_devices(struct machine *machine, const struct machine_local *local,
                          const struct reason *reason)
{
    bool logged = machine->description.clock == MACHINE_CLOCK_LOGGED;
    const struct hart_callbacks callbacks = {
        .context = machine,
        .mmio_read = bus_mmio_read,
        .mmio_write = bus_mmio_write,
        .sbi_call = sbi_call,
        .environment_time_ns = logged ? run_environment_time_ns : NULL,
    };
    const struct device_host host = {
        .context = machine,
        .set_interrupt = bus_set_interrupt,
        .output = bus_output,
        .memory_written = bus_memory_written,
    };
    machine->hart = hart_create(&machine->memory, &callbacks, local->cpu);
    if (machine->hart == NULL && local->cpu != NULL && local->cpu->perf_map) {
        return backend_fail(reason->text, reason->size, -EIO,
                            "out of memory, or /tmp/perf-%ld.map cannot be written",
                            (long)getpid());
    }
    machine->plic = plic_create(bus_set_external, machine);
    machine->uart = uart16550_create(&host, MACHINE_DEVICE_UART, MACHINE_DEVICE_UART);
    machine->rtc = goldfish_rtc_create(machine->description.wall_ns, run_guest_time_ns, machine);
    bool complete = machine->hart != NULL && machine->plic != NULL && machine->uart != NULL &&
                    machine->rtc != NULL && create_virtio(machine, &host);
    if (!complete) {
        return out_of_memory(reason);
    }
    run_publish_counters(machine);
    return 0;
}

static void reset_devices(struct machine *machine)
{
    uart16550_reset(machine->uart);
    goldfish_rtc_reset(machine->rtc);
    virtio_rng_reset(machine->rng);
    if (machine->virtio_console != NULL) {
        virtio_console_reset(machine->virtio_console);
    }
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        virtio_blk_reset(machine->blk[i]);
    }
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        virtio_net_reset(machine->net[i]);
    }
    plic_reset(machine->plic);
}

bool machine_power_on(struct machine *machine)
{
    uint8_t rng_seed[DEVICE_TREE_RNG_SEED_SIZE];
    reset_devices(machine);
    /* Private anonymous memory reads as zero after that (madvise(2)). */
    if (madvise(machine->memory.host, machine->memory.size, MADV_DONTNEED) != 0) {
        return false;
    }
    bool loaded = boot_load(&machine->boot, &machine->layout, &machine->memory);
    virtio_rng_take(machine->rng, rng_seed, sizeof rng_seed);
    uint8_t *tree =
        guest_memory_slice(&machine->memory, machine->layout.device_tree, BOOT_DEVICE_TREE_ROOM);
    bool built = tree != NULL && device_tree_build(&machine->description, &machine->layout,
                                                   rng_seed, tree, BOOT_DEVICE_TREE_ROOM);
    hart_memory_written(machine->hart, machine->memory.start, machine->memory.size);
    hart_reset(machine->hart, machine->layout.kernel, machine->layout.device_tree);
    return loaded && built;
}

/* ---- Backends ---- */

static int open_disks(struct machine *machine, const struct machine_local *local,
                      const struct reason *reason)
{
    const struct machine_description *description = &machine->description;
    if (local->disk_count != description->disk_count) {
        return backend_fail(reason->text, reason->size, -EINVAL,
                            "the machine has %u disks, but %u images were named",
                            description->disk_count, local->disk_count);
    }
    for (unsigned i = 0; i < description->disk_count; i++) {
        uint64_t size = description->disk_size[i];
        int result = machine->starts_active
                         ? disk_open(&machine->disk[i], local->disk[i], reason->text, reason->size)
                         : disk_open_for_copy(&machine->disk[i], local->disk[i], size, reason->text,
                                              reason->size);
        if (result < 0) {
            machine->disk[i] = NULL;
            return result;
        }
        if (disk_size(machine->disk[i]) != size) {
            return backend_fail(reason->text, reason->size, -EINVAL,
                                "%s has %" PRIu64 " bytes, but the machine's disk has %" PRIu64,
                                local->disk[i], disk_size(machine->disk[i]), size);
        }
        machine->disk_wire[i] = (struct disk_wire){.machine = machine, .index = i};
        disk_on_completed(machine->disk[i], world_disk_completed, &machine->disk_wire[i]);
    }
    return 0;
}

static int open_nics(struct machine *machine, const struct machine_local *local,
                     const struct reason *reason)
{
    const struct machine_description *description = &machine->description;
    static const struct nic_config none = {.kind = NIC_NONE};
    if (local->nic_count > description->nic_count) {
        return backend_fail(reason->text, reason->size, -EINVAL,
                            "the machine has %u network interfaces, but %u were given",
                            description->nic_count, local->nic_count);
    }
    for (unsigned i = 0; i < description->nic_count; i++) {
        const struct nic_config *config = i < local->nic_count ? &local->nic[i] : &none;
        int result = nic_create(&machine->nic[i], config, machine->reactor,
                                machine_slot_device(MACHINE_SLOT_NIC + i), description->nic_mac[i],
                                reason->text, reason->size);
        if (result < 0) {
            machine->nic[i] = NULL;
            return result;
        }
    }
    return 0;
}

static int open_backends(struct machine *machine, const struct machine_local *local,
                         const struct reason *reason)
{
    uint32_t console_device = machine->description.console_virtio
                                  ? machine_slot_device(MACHINE_SLOT_CONSOLE)
                                  : MACHINE_DEVICE_UART;
    int result = reactor_create(&machine->reactor, world_input, machine);
    if (result < 0) {
        machine->reactor = NULL;
        return backend_fail(reason->text, reason->size, result, "event loop: %s",
                            strerror(-result));
    }
    result = open_disks(machine, local, reason);
    if (result == 0) {
        result = open_nics(machine, local, reason);
    }
    if (result == 0 && local->trace.path[0] != '\0') {
        result = trace_create(&machine->trace, &local->trace, reason->text, reason->size);
    }
    /* The console last: once the terminal is in raw mode nothing else should fail. */
    if (result == 0) {
        result =
            console_create(&machine->console, &local->console, machine->reactor, console_device,
                           local->quit, local->quit_context, reason->text, reason->size);
        machine->console = result < 0 ? NULL : machine->console;
    }
    return result;
}

/* ---- The whole ---- */

static int load_images(struct machine *machine, const struct machine_local *local,
                       const struct reason *reason)
{
    int result = boot_image_read(&machine->boot.kernel, local->kernel, reason->text, reason->size);
    if (result == 0 && local->initrd != NULL) {
        result = boot_image_read(&machine->boot.initrd, local->initrd, reason->text, reason->size);
    }
    if (result == 0) {
        result = boot_plan(&machine->boot, local->kernel, machine->description.memory,
                           &machine->layout, reason->text, reason->size);
    }
    return result;
}

static int build(struct machine *machine, const struct machine_local *local,
                 const struct reason *reason)
{
    char text[4096];
    int result = machine_description_encode(&machine->description, text, sizeof text);
    if (result < 0) {
        return backend_fail(reason->text, reason->size, -EINVAL,
                            "no valid description of a machine");
    }
    if (local->cpu != NULL && local->cpu->engine == HART_JIT && !hart_has_jit()) {
        return backend_fail(reason->text, reason->size, -ENOTSUP,
                            "there is no JIT for this host's processor");
    }
    result = machine->starts_active ? load_images(machine, local, reason) : 0;
    if (result == 0) {
        result = create_memory(machine, reason);
    }
    if (result == 0) {
        result = open_backends(machine, local, reason);
    }
    if (result == 0) {
        result = create_devices(machine, local, reason);
    }
    if (result == 0 && machine->starts_active && !machine_power_on(machine)) {
        result = backend_fail(reason->text, reason->size, -E2BIG,
                              "the device tree does not fit into its place");
    }
    boot_images_pack(&machine->boot);
    return result;
}

int machine_create(struct machine **created, const struct machine_description *description,
                   const struct machine_local *local, char *error, size_t error_size)
{
    const struct reason reason = {.text = error, .size = error_size};
    struct machine *machine = calloc(1, sizeof *machine);
    *created = NULL;
    if (machine == NULL) {
        return out_of_memory(&reason);
    }
    machine->description = *description;
    machine->starts_active = local->kernel != NULL;
    pthread_mutex_init(&machine->node_lock, NULL);
    pthread_mutex_init(&machine->counters_lock, NULL);
    int result = build(machine, local, &reason);
    if (result < 0) {
        machine_destroy(machine);
        return result;
    }
    *created = machine;
    return 0;
}

static void destroy_devices(struct machine *machine)
{
    for (unsigned i = 0; i < MACHINE_MAX_NICS; i++) {
        if (machine->net[i] != NULL) {
            virtio_net_destroy(machine->net[i]);
        }
    }
    for (unsigned i = 0; i < MACHINE_MAX_DISKS; i++) {
        if (machine->blk[i] != NULL) {
            virtio_blk_destroy(machine->blk[i]);
        }
    }
    if (machine->virtio_console != NULL) {
        virtio_console_destroy(machine->virtio_console);
    }
    if (machine->rng != NULL) {
        virtio_rng_destroy(machine->rng);
    }
    if (machine->rtc != NULL) {
        goldfish_rtc_destroy(machine->rtc);
    }
    if (machine->uart != NULL) {
        uart16550_destroy(machine->uart);
    }
    if (machine->plic != NULL) {
        plic_destroy(machine->plic);
    }
    if (machine->hart != NULL) {
        hart_destroy(machine->hart);
    }
}

static void close_backends(struct machine *machine)
{
    if (machine->reactor != NULL) {
        reactor_stop(machine->reactor);
    }
    if (machine->console != NULL) {
        console_destroy(machine->console);
    }
    for (unsigned i = 0; i < MACHINE_MAX_NICS; i++) {
        if (machine->nic[i] != NULL) {
            nic_destroy(machine->nic[i]);
        }
    }
    for (unsigned i = 0; i < MACHINE_MAX_DISKS; i++) {
        if (machine->disk[i] != NULL) {
            disk_close(machine->disk[i]);
        }
    }
    if (machine->reactor != NULL) {
        reactor_destroy(machine->reactor);
    }
    trace_destroy(machine->trace);
}

void machine_destroy(struct machine *machine)
{
    if (machine == NULL) {
        return;
    }
    destroy_devices(machine); /* the disks' requests return to them first */
    close_backends(machine);
    boot_images_free(&machine->boot);
    if (machine->memory.host != NULL) {
        munmap(machine->memory.host, machine->memory.size);
    }
    free(machine->unannounced);
    pthread_mutex_destroy(&machine->counters_lock);
    pthread_mutex_destroy(&machine->node_lock);
    free(machine);
}

bool machine_take_warning(struct machine *machine, char *line, size_t size)
{
    int error = console_error(machine->console);
    if (atomic_exchange(&machine->reported_console_error, error) != error && error != 0) {
        snprintf(line, size, "console: %s", strerror(error < 0 ? -error : error));
        return true;
    }
    error = machine->trace != NULL ? trace_error(machine->trace) : 0;
    if (atomic_exchange(&machine->reported_trace_error, error) != error && error != 0) {
        snprintf(line, size, "trace: %s; it ends here, and the guest goes on", strerror(-error));
        return true;
    }
    return false;
}

void machine_restore_terminal(struct machine *machine)
{
    console_restore(machine->console);
}
