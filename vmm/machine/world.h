/*
 * Where the machine meets its replica's backends: what the world has for the guest goes to the node
 * as inputs, what the node delivers goes to the devices, what the node releases goes to the world.
 */
#ifndef VMM_MACHINE_WORLD_H
#define VMM_MACHINE_WORLD_H

#include "vmm/machine/parts.h"

/* Sink of the reactor (input_sink); context is the machine. Reactor thread. */
int world_input(void *context, uint32_t device, const void *data, size_t size);
/* Callback of a disk (disk_completed); context is its struct disk_wire. The disk's worker thread,
 * or at a promotion the vCPU thread. */
int world_disk_completed(void *context, uint64_t id, int status);

/* Callbacks of the node (struct ftvm_machine_ops). */
int world_deliver(void *context, uint32_t device, const void *data, size_t size);
int world_emit(void *context, uint64_t number, uint32_t device, const void *data, size_t size);
void world_promoted(void *context, enum ftvm_settle settle);

/* From here on inputs go to the node, on the calling thread as the vCPU thread. */
void world_attach(struct machine *machine, struct ftvm_node *node);
/* When it returns no thread is inside the node on behalf of the machine, nor will be. */
void world_detach(struct machine *machine);
/* The backends of an active replica wake up. */
void world_wake_backends(struct machine *machine);
/* Announces again what the node's queue had no room for. vCPU thread, before a boundary. */
void world_announce_rest(struct machine *machine);

#endif
