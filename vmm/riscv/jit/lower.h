/*
 * From decoded blocks to the neutral form (ir.h): chooses the blocks that are translated together,
 * and what each of their instructions is in neutral operations.
 */
#ifndef VMM_RISCV_JIT_LOWER_H
#define VMM_RISCV_JIT_LOWER_H

#include <stdint.h>

#include "vmm/riscv/jit/ir.h"

struct hart;
struct block;

/* The region that begins with a decoded block: it and what is reached from there within its page,
 * as far as it has run already. At most `max_ops` operations. */
void select_region(struct hart *hart, uint32_t head, unsigned max_ops, struct ir_region *region);

/* Appends the operations of one block to the region. */
void lower_block(const struct block *block, struct ir_region *region, struct ir_block *into);

#endif
