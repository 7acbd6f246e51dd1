/*
 * What generated code calls for everything that it does not do itself. `where` is the place of the
 * instruction's decoded form and what to give back of the budget (shared.h).
 *
 * A function that ends the run of generated code says so in hart->shared.status.
 */
#ifndef VMM_RISCV_JIT_HELPERS_H
#define VMM_RISCV_JIT_HELPERS_H

#include <stdint.h>

struct hart;

/* The loaded value, extended as the instruction wants it. */
uint64_t jit_load(struct hart *hart, uint64_t address, uint32_t where, int64_t budget);
void jit_store(struct hart *hart, uint64_t address, uint32_t where, int64_t budget, uint64_t value);
/* Into and from the f register of the instruction. */
void jit_access_float(struct hart *hart, uint64_t address, uint32_t where, int64_t budget);
/* Atomics, floating point, CSRs: operands and result in state.x and state.f. */
void jit_execute(struct hart *hart, uint64_t unused, uint32_t where, int64_t budget);
/* The code at pc, NULL if it is not known to be there. It may set hart->leave, on which generated
 * code goes on to the next call of a function: nothing that it drops is in use. */
const uint8_t *jit_find_code(struct hart *hart, uint64_t pc, uint32_t unused, int64_t budget);
/* sret, and ecall from U mode: the pc to go on at. */
uint64_t jit_trap_return(struct hart *hart, uint64_t unused, uint32_t where, int64_t budget);
uint64_t jit_user_call(struct hart *hart, uint64_t unused, uint32_t where, int64_t budget);

#endif
