/*
 * Two runs of one program, in different manners, compared at every event: registers, memory, and
 * all that crossed the border. On a difference the first position that shows it is searched for,
 * and said on standard error with what there is to know.
 */
#ifndef TESTS_RISCV_COMPARE_H
#define TESTS_RISCV_COMPARE_H

#include "tests/riscv/lockstep/run.h"

/* True if they are the same now, and all that they recorded. */
bool runs_agree(const struct run *a, const struct run *b);
/* True if they agree to the end. `label` says in the report how to have the same again. */
bool manners_agree(const struct program *program, const struct manner manners[2],
                   const char *label);

#endif
