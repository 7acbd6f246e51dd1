/*
 * The flattened device tree that tells the guest what the machine is made of (Devicetree
 * Specification 0.4; bindings in Linux, Documentation/devicetree/bindings).
 */
#ifndef VMM_MACHINE_DEVICE_TREE_H
#define VMM_MACHINE_DEVICE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/machine/boot.h"
#include "vmm/machine/machine.h"

#define DEVICE_TREE_RNG_SEED_SIZE 64u

/* Builds the tree into `tree`. False if it does not fit. */
bool device_tree_build(const struct machine_description *description,
                       const struct boot_layout *layout,
                       const uint8_t rng_seed[DEVICE_TREE_RNG_SEED_SIZE], void *tree, size_t size);

#endif
