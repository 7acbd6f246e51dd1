/*
 * Random instructions of one kind each, for the emitter's registers. Those of a tame emitter do not
 * trap, provided that SP, GP and S0 hold an address with a kilobyte of memory on either side.
 */
#ifndef TESTS_RISCV_OPERATIONS_H
#define TESTS_RISCV_OPERATIONS_H

#include "tests/riscv/programs/emitter.h"

void operation_register(struct emitter *emitter);
void operation_immediate(struct emitter *emitter);
void operation_compressed(struct emitter *emitter);
/* lui, auipc and what follows them in compiled code. */
void operation_constant(struct emitter *emitter);
void operation_memory(struct emitter *emitter);
/* LR and SC, with and without a store between; AMO. */
void operation_atomic(struct emitter *emitter);
void operation_float(struct emitter *emitter);
/* fcsr and its parts. */
void operation_float_control(struct emitter *emitter);

#endif
