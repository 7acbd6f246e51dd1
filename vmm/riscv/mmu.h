/*
 * Sv39 (privileged specification, chapter 10.4) and the slow paths of memory access: whatever the
 * translations at hand do not cover. The hart updates the A and D bits of page table entries
 * itself (as with Svadu), at the access that needs them.
 *
 * On failure the functions leave cause and stval in hart->trap_cause and hart->trap_value. They
 * may set hart->leave. state.pc and state.position must be exact when they are called.
 */
#ifndef VMM_RISCV_MMU_H
#define VMM_RISCV_MMU_H

#include <stdbool.h>
#include <stdint.h>

struct hart;

/* size is 1, 2, 4 or 8; any alignment in RAM. The value is zero-extended. */
bool mmu_load(struct hart *hart, uint64_t address, unsigned size, uint64_t *value);
bool mmu_store(struct hart *hart, uint64_t address, unsigned size, uint64_t value);

/* For LR, SC and AMO: naturally aligned RAM only. Host pointer or NULL. A writable one may be
 * stored to once, now. */
uint8_t *mmu_atomic(struct hart *hart, uint64_t address, unsigned size, bool write,
                    uint64_t *physical);

/* Physical address of the instruction bytes at `address`, in RAM. */
bool mmu_fetch(struct hart *hart, uint64_t address, uint64_t *physical);

#endif
