/* LR, SC and AMO. */
#ifndef VMM_RISCV_ATOMICS_H
#define VMM_RISCV_ATOMICS_H

#include <stdbool.h>

#include "vmm/riscv/op.h"

struct hart;

/* Carries out OP_LR_W to OP_AMOMAXU_D, under the terms of mmu.h. */
bool atomics_execute(struct hart *hart, const struct op *op);

#endif
