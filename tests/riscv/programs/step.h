/*
 * One step of a random program: an instruction, or a few that belong together, chosen by the
 * emitter's weights. The steps of this header are those that a program of any kind can take;
 * privileged.h has the others.
 */
#ifndef TESTS_RISCV_STEP_H
#define TESTS_RISCV_STEP_H

#include "tests/riscv/programs/emitter.h"

void step(struct emitter *emitter);

/* Over some steps; in programs that are not tame, also back. */
void step_branch(struct emitter *emitter);
/* Bounded, or endless where that is allowed. */
void step_loop(struct emitter *emitter);
/* Functions: called twice, by pairs of auipc and jalr, recursive. */
void step_call(struct emitter *emitter);
/* A jump to one of several places by the value of a register. */
void step_indirect(struct emitter *emitter);

#endif
