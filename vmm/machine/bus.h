/*
 * What connects the hart and the devices: the physical address map, the interrupt lines, and the
 * devices' way out to the node.
 */
#ifndef VMM_MACHINE_BUS_H
#define VMM_MACHINE_BUS_H

#include "vmm/machine/parts.h"

/* Callbacks of the hart (struct hart_callbacks); context is the machine. */
bool bus_mmio_read(void *context, uint64_t address, unsigned size, uint64_t *value);
bool bus_mmio_write(void *context, uint64_t address, unsigned size, uint64_t value);
/* Callbacks of the devices (struct device_host); context is the machine. */
void bus_set_interrupt(void *context, unsigned line, bool level);
void bus_output(void *context, uint32_t device, const void *data, size_t size);
void bus_memory_written(void *context, uint64_t address, uint64_t size);
/* The PLIC's output (plic_set_external). */
void bus_set_external(void *context, bool level);

/* Remembers the first error of the node inside an epoch, and ends the epoch. */
void bus_fail(struct machine *machine, int error);
/* Console bytes that the devices gathered become outputs. Before every boundary. */
void bus_flush_consoles(struct machine *machine);

#endif
