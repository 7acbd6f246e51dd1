/*
 * Our virtual machine: one RV64GC hart, RAM, PLIC, 16550, RTC and virtio-mmio devices, booting a
 * Linux Image through an SBI implemented here, under libftvm like any other embedder.
 *
 * machine_run() is the vCPU loop: it runs epochs under a node until the guest or the node ends. The
 * machine's description (everything that both replicas must agree on) is a text that the primary
 * makes from its options and the backup parses; boot images are part of the state, so that a
 * guest can reset on a replica that never saw the files.
 */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ftvm/ftvm.h>

#include "vmm/backends/console.h"
#include "vmm/backends/nic.h"
#include "vmm/machine/trace.h"
#include "vmm/riscv/hart.h"

#define MACHINE_MAX_DISKS  8u
#define MACHINE_MAX_NICS   4u
#define MACHINE_MIN_MEMORY (UINT64_C(64) << 20)
#define MACHINE_MAX_MEMORY (UINT64_C(64) << 30)
#define MACHINE_ERROR_SIZE 512u

/* What stands on the kernel's command line behind `console=` and before the description's own
 * words: without the first, nothing seeds the guest's random generator and getrandom waits for
 * ever. */
#define MACHINE_KERNEL_ARGUMENTS "rng_core.default_quality=1000"

enum machine_clock { MACHINE_CLOCK_COMPUTED, MACHINE_CLOCK_LOGGED };

/* What both replicas agree on. */
struct machine_description {
    char name[FTVM_MAX_NAME + 1];
    uint64_t memory;   /* bytes, whole MiB */
    char append[2048]; /* words added to the kernel's command line; printable ASCII */
    enum machine_clock clock;
    uint64_t seed;    /* of the entropy device */
    uint64_t wall_ns; /* wall clock (Unix time) at the guest's first reset */
    unsigned disk_count;
    uint64_t disk_size[MACHINE_MAX_DISKS]; /* bytes */
    unsigned nic_count;
    uint8_t nic_mac[MACHINE_MAX_NICS][6];
    bool console_virtio; /* the console is the virtio one (hvc0) and not the 16550 (ttyS0) */
};

/* What is this replica's own. */
struct machine_local {
    const char *kernel; /* paths; NULL on a backup: the images come with the state */
    const char *initrd; /* or NULL */
    const char *disk[MACHINE_MAX_DISKS];
    unsigned disk_count;
    struct nic_config nic[MACHINE_MAX_NICS];
    unsigned nic_count;
    struct console_config console;
    console_quit *quit; /* user typed Ctrl-A x */
    void *quit_context;
    struct trace_config trace;
    const struct hart_config *cpu; /* needed by machine_create() alone; NULL: hart_config_init() */
};

/* Text form, one `key=value` per line, canonical (equal descriptions give equal bytes). Encode
 * returns the size or FTVM_E_TOO_LARGE; parse validates every field, as the text comes from the
 * network, and leaves the reason in `error`. */
int machine_description_encode(const struct machine_description *description, char *text,
                               size_t capacity);
int machine_description_parse(struct machine_description *description, const char *text,
                              size_t size, char *error, size_t error_size);

struct machine;

/* Builds the machine and opens what is local; all problems (missing file, kernel that is no RISC-V
 * Image, an engine that this host does not have, too large for the memory, busy disk, interface
 * without permission, more disks than the description has) are found here, before anything runs: a
 * negative errno and one line in `error`. A primary (kernel given) is loaded and ready to start at
 * position 0; a backup awaits its state.
 */
int machine_create(struct machine **machine, const struct machine_description *description,
                   const struct machine_local *local, char *error, size_t error_size);
void machine_destroy(struct machine *machine);

/* Runs the guest under the node until the end: returns FTVM_E_HALTED (guest powered off) or what
 * the library returned. Call on the thread that becomes the vCPU thread. */
int machine_run(struct machine *machine, struct ftvm_node *node);

/* What the hart's engine has done, as of the latest boundary. Any thread. */
void machine_get_counters(struct machine *machine, struct hart_counters *counters);

/* The same machine without a node, for tests: digest of registers, devices and all of memory. */
uint64_t machine_full_digest(struct machine *machine);

/* A problem of a backend or of the trace since the last call, one line ("console: No space left on
 * device"), or false. */
bool machine_take_warning(struct machine *machine, char *line, size_t size);
/* Restores the terminal; async-signal-safe. */
void machine_restore_terminal(struct machine *machine);

#endif
