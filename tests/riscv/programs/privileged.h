/* Steps of programs that run on the bare hart: system instructions, page tables, code that changes
 * itself. All of them may trap. */
#ifndef TESTS_RISCV_PRIVILEGED_H
#define TESTS_RISCV_PRIVILEGED_H

#include "tests/riscv/programs/emitter.h"

/* Another address for SP, GP or S0. */
void step_base(struct emitter *emitter);
void step_csr(struct emitter *emitter);
/* sret, wfi, ecall, ebreak, fences, and what is no instruction. */
void step_system(struct emitter *emitter);
/* Another address space, SUM or MXR. */
void step_space(struct emitter *emitter);
/* A store to a page table: other permissions, another frame, A and D cleared. */
void step_table(struct emitter *emitter);
/* A store to code: just ahead, behind, elsewhere, or through an alias. */
void step_modify(struct emitter *emitter);

#endif
