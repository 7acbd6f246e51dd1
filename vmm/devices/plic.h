/*
 * The platform-level interrupt controller (RISC-V PLIC specification 1.0), laid out as SiFive's and
 * QEMU's `virt` have it, with a single context: S mode of hart 0. In the device tree:
 * `interrupts-extended = <&cpu_intc 9>`, `riscv,ndev = PLIC_SOURCES - 1`.
 *
 * Gateways are level-triggered: a source whose line is high becomes pending, is taken by a claim,
 * and becomes pending again at its completion if the line is still high.
 */
#ifndef VMM_DEVICES_PLIC_H
#define VMM_DEVICES_PLIC_H

#include "vmm/devices/device.h"

#define PLIC_ADDRESS UINT64_C(0x0c000000)
#define PLIC_SIZE    UINT64_C(0x00400000)
#define PLIC_SOURCES 64u /* source 0 does not exist; 1 .. PLIC_SOURCES - 1 do */

struct plic;

/* Level of the hart's external interrupt line; called when it changes, and once after a load. */
typedef void plic_set_external(void *context, bool level);

/* NULL if out of memory. */
struct plic *plic_create(plic_set_external *set_external, void *context);
void plic_destroy(struct plic *plic);

/* The line of a source, from a device (struct device_host.set_interrupt). */
void plic_set_interrupt(struct plic *plic, unsigned source, bool level);

/* Offset is inside PLIC_SIZE. False: an access that the device does not have (access fault). */
bool plic_read(struct plic *plic, uint64_t offset, unsigned size, uint64_t *value);
bool plic_write(struct plic *plic, uint64_t offset, unsigned size, uint64_t value);

/* Back to power-on; the lines keep their level, as they belong to the devices. */
void plic_reset(struct plic *plic);
uint64_t plic_digest(const struct plic *plic);
void plic_save(const struct plic *plic, struct state_writer *writer);
/* On failure (reader->error) the device is as after a reset. */
void plic_load(struct plic *plic, struct state_reader *reader);

#endif
