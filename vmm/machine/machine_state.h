/*
 * The whole state of a machine, for a joining replica: description, hart, devices, boot images, RAM
 * and disk images, in this order. Pages and stretches of disk that are zero are left out.
 *
 * What is loaded comes from the network: every count, index and size is checked, and what a module
 * loads the module validates. A failed load leaves a machine that must not run.
 */
#ifndef VMM_MACHINE_MACHINE_STATE_H
#define VMM_MACHINE_MACHINE_STATE_H

#include "vmm/machine/parts.h"

/* Callbacks of the node (struct ftvm_machine_ops); context is the machine. */
int machine_state_save(void *context, struct ftvm_writer *writer);
int machine_state_load(void *context, struct ftvm_reader *reader);
uint64_t machine_state_size(void *context);

#endif
