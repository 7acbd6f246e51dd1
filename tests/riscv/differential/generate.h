/*
 * Random test cases: register values weighted towards edges, and a sequence of valid instructions
 * that do not trap. A case is a function of its seed, so a longer sequence extends a shorter one.
 *
 * x2, x3 and x8 hold the scratch memory's middle and x4 the context throughout.
 */
#ifndef TESTS_RISCV_GENERATE_H
#define TESTS_RISCV_GENERATE_H

#include "tests/riscv/differential/layout.h"

/* `length`: how many steps; each is one instruction, or a few that belong together. */
void generate_case(struct test_case *out, uint64_t seed, unsigned length);

#endif
