/* Finds the groups of accesses of a region (ir.h). */
#ifndef VMM_RISCV_JIT_GROUP_H
#define VMM_RISCV_JIT_GROUP_H

#include "vmm/riscv/jit/ir.h"

void find_groups(struct ir_region *region);

#endif
