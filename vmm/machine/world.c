#include "vmm/machine/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Inputs ---- */

static int give_input(struct machine *machine, uint32_t device, const void *data, size_t size)
{
    pthread_mutex_lock(&machine->node_lock);
    int result =
        machine->node != NULL ? ftvm_input(machine->node, device, data, size) : FTVM_E_STATE;
    pthread_mutex_unlock(&machine->node_lock);
    return result;
}

int world_input(void *context, uint32_t device, const void *data, size_t size)
{
    return give_input(context, device, data, size);
}

/* A disk of this primary failed. While there is a backup with a disk of its own, the guest need not
 * know: this replica leaves, and the backup goes on. Only a lone primary has to tell the guest. A
 * backup waits for what the log says of the request (deliver_completion): if its primary is gone,
 * and perhaps for the same reason, it is the one that is alone. Returns true if the replica left.
 */
static bool leave_to_the_other(struct machine *machine, unsigned disk, uint64_t id, int status)
{
    char reason[128];
    struct ftvm_status node_status = {.size = sizeof node_status};
    bool leave = false;
    snprintf(reason, sizeof reason, "disk %u: %s (request %llu)", disk, strerror(-status),
             (unsigned long long)id);
    pthread_mutex_lock(&machine->node_lock);
    if (machine->node != NULL && ftvm_node_status(machine->node, &node_status) >= 0) {
        /* While a claim is under way it is not known whether there is another. */
        leave = node_status.role == FTVM_ROLE_PRIMARY && node_status.is_protected &&
                !node_status.claiming;
        if (leave) {
            ftvm_node_fail(machine->node, reason);
        }
    }
    pthread_mutex_unlock(&machine->node_lock);
    return leave;
}

/* On the vCPU thread nobody but ourselves can make room in the queue, so waiting is not possible.
 */
static void announce_from_vcpu(struct machine *machine, const struct announcement *announcement)
{
    int result = give_input(machine, announcement->device, announcement->payload,
                            sizeof announcement->payload);
    if (result != FTVM_E_FULL) {
        return;
    }
    if (machine->unannounced_count == machine->unannounced_capacity) {
        unsigned capacity = machine->unannounced_capacity + DISK_MAX_REQUESTS;
        struct announcement *grown =
            realloc(machine->unannounced, capacity * sizeof *machine->unannounced);
        if (grown == NULL) {
            machine->error = FTVM_E_MEMORY;
            return;
        }
        machine->unannounced = grown;
        machine->unannounced_capacity = capacity;
    }
    machine->unannounced[machine->unannounced_count++] = *announcement;
}

void world_announce_rest(struct machine *machine)
{
    unsigned count = machine->unannounced_count;
    machine->unannounced_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct announcement announcement = machine->unannounced[i];
        announce_from_vcpu(machine, &announcement);
    }
}

int world_disk_completed(void *context, uint64_t id, int status)
{
    const struct disk_wire *wire = context;
    struct machine *machine = wire->machine;
    struct announcement announcement = {
        .device = machine_slot_device(MACHINE_SLOT_DISK + wire->index),
    };
    virtio_blk_encode_completion(announcement.payload, id, status);
    if (pthread_equal(pthread_self(), machine->vcpu_thread)) {
        announce_from_vcpu(machine, &announcement);
        return 0;
    }
    if (status != 0 && status != DISK_UNCERTAIN &&
        leave_to_the_other(machine, wire->index, id, status)) {
        return 0;
    }
    int result =
        give_input(machine, announcement.device, announcement.payload, sizeof announcement.payload);
    return result == FTVM_E_FULL ? -EAGAIN : 0;
}

/* ---- Callbacks of the node ---- */

static int deliver_completion(struct machine *machine, unsigned disk, const void *data, size_t size)
{
    if (virtio_blk_deliver(machine->blk[disk], data, size) == 0) {
        return 0;
    }
    char reason[64];
    snprintf(reason, sizeof reason, "disk %u: failed here, but not on the primary", disk);
    ftvm_node_fail(machine->node, reason);
    return FTVM_E_MACHINE;
}

int world_deliver(void *context, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    if (device == MACHINE_DEVICE_UART) {
        uart16550_deliver(machine->uart, data, size);
        return 0;
    }
    uint32_t slot = device - MACHINE_DEVICE_VIRTIO;
    if (device < MACHINE_DEVICE_VIRTIO || !machine_slot_exists(&machine->description, slot)) {
        return 0; /* nothing of this machine: ignored alike by every replica */
    }
    if (slot == MACHINE_SLOT_CONSOLE) {
        virtio_console_deliver(machine->virtio_console, data, size);
    } else if (slot >= MACHINE_SLOT_NIC) {
        virtio_net_deliver(machine->net[slot - MACHINE_SLOT_NIC], data, size);
    } else if (slot >= MACHINE_SLOT_DISK) {
        return deliver_completion(machine, slot - MACHINE_SLOT_DISK, data, size);
    }
    return 0;
}

/* Backends take all that they are given: what one of them has no room for is its own loss (nic.h,
 * console.h), and holds up no other. */
int world_emit(void *context, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    (void)number;
    uint32_t slot = device - MACHINE_DEVICE_VIRTIO;
    if (device == MACHINE_DEVICE_UART || slot == MACHINE_SLOT_CONSOLE) {
        console_emit(machine->console, data, size);
    } else if (device >= MACHINE_DEVICE_VIRTIO && slot >= MACHINE_SLOT_NIC &&
               machine_slot_exists(&machine->description, slot)) {
        nic_emit(machine->nic[slot - MACHINE_SLOT_NIC], data, size);
    }
    return 0;
}

void world_wake_backends(struct machine *machine)
{
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        nic_set_active(machine->nic[i], true);
    }
}

void world_promoted(void *context, enum ftvm_settle settle)
{
    struct machine *machine = context;
    world_wake_backends(machine);
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        disk_announce_finished(machine->disk[i], settle == FTVM_SETTLE_UNCERTAIN);
    }
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        nic_announce(machine->nic[i], virtio_net_ipv4(machine->net[i]));
    }
}

/* ---- The run's beginning and end ---- */

void world_attach(struct machine *machine, struct ftvm_node *node)
{
    pthread_mutex_lock(&machine->node_lock);
    machine->node = node;
    machine->vcpu_thread = pthread_self();
    pthread_mutex_unlock(&machine->node_lock);
}

void world_detach(struct machine *machine)
{
    pthread_mutex_lock(&machine->node_lock);
    machine->node = NULL;
    pthread_mutex_unlock(&machine->node_lock);
}
