/*
 * Instruction bits to decoded form. Pure functions of the bits; what is not an instruction of
 * RV64GC, Zba, Zbb, Zbs becomes OP_ILLEGAL. The caller sets `offset` and `link`.
 */
#ifndef VMM_RISCV_DECODE_H
#define VMM_RISCV_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/op.h"

/* Either length, by the low two bits of `bits`. */
void decode_instruction(uint32_t bits, struct op *op);
/* One length each: bits[1:0] == 3, and bits[1:0] != 3. */
void decode_standard(uint32_t bits, struct op *op);
void decode_compressed(uint16_t bits, struct op *op);

/* True if no instruction after this one is part of the same straight line of code. */
bool decode_ends_block(const struct op *op);

#endif
