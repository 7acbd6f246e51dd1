/*
 * The parts of a machine, as its own files see them. Nobody else includes this.
 *
 * Threads: the vCPU thread owns everything but what stands under "shared". The parts of the
 * backends are thread-safe by themselves.
 */
#ifndef VMM_MACHINE_PARTS_H
#define VMM_MACHINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "vmm/backends/console.h"
#include "vmm/backends/disk.h"
#include "vmm/backends/nic.h"
#include "vmm/backends/reactor.h"
#include "vmm/devices/goldfish_rtc.h"
#include "vmm/devices/plic.h"
#include "vmm/devices/uart16550.h"
#include "vmm/devices/virtio_blk.h"
#include "vmm/devices/virtio_console.h"
#include "vmm/devices/virtio_net.h"
#include "vmm/devices/virtio_rng.h"
#include "vmm/machine/boot.h"
#include "vmm/machine/layout.h"
#include "vmm/machine/machine.h"
#include "vmm/riscv/hart.h"

/* What the guest asked for through the SBI; carried out at the end of the epoch, which it ends. */
enum power_request { POWER_ON, POWER_OFF, POWER_RESET };

/* A disk's announcement on its way to the node. */
struct announcement {
    uint32_t device;
    uint8_t payload[VIRTIO_BLK_COMPLETION_SIZE];
};

/* Context of a disk's callback. */
struct disk_wire {
    struct machine *machine;
    unsigned index;
};

struct machine {
    struct machine_description description;

    /* The guest's own. */
    struct guest_memory memory;
    struct boot_images boot;
    struct boot_layout layout;
    struct hart *hart;
    struct plic *plic;
    struct uart16550 *uart;
    struct goldfish_rtc *rtc;
    struct virtio_rng *rng;
    struct virtio_console *virtio_console; /* NULL if the description has none */
    struct virtio_blk *blk[MACHINE_MAX_DISKS];
    struct virtio_net *net[MACHINE_MAX_NICS];

    /* This replica's own. */
    struct reactor *reactor;
    struct console *console;
    struct disk *disk[MACHINE_MAX_DISKS];
    struct nic *nic[MACHINE_MAX_NICS];
    struct disk_wire disk_wire[MACHINE_MAX_DISKS];
    struct trace *trace; /* NULL if there is to be none */
    bool starts_active;  /* a primary: its backends are awake from the beginning */

    /* The run. */
    struct ftvm_epoch epoch;
    enum power_request power;
    int error;                        /* first error of the node inside an epoch: the run ends */
    uint64_t last_clock_ns;           /* with a logged clock: the last reading */
    struct announcement *unannounced; /* made on the vCPU thread, for which the queue was full */
    unsigned unannounced_count;
    unsigned unannounced_capacity;

    /* Shared. */
    pthread_mutex_t node_lock; /* held around every ftvm_input(), so that the node may go away */
    struct ftvm_node *node;    /* NULL unless running; changed by the vCPU thread under the lock */
    pthread_t vcpu_thread;     /* valid while running */
    atomic_int reported_console_error;
    atomic_int reported_trace_error;
    pthread_mutex_t counters_lock;
    struct hart_counters counters; /* copied by the vCPU thread at boundaries, under the lock */
};

/* machine.c: RAM zero, images and device tree in place, all devices and the hart back to power-on.
 * The same at the first boot and at every reset. False: the device tree does not fit. */
bool machine_power_on(struct machine *machine);

#endif
