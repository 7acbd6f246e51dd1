/* Random operands, weighted towards the edges of their types. */
#ifndef TESTS_RISCV_VALUES_H
#define TESTS_RISCV_VALUES_H

#include <stdint.h>

#include "tests/riscv/programs/choices.h"

uint64_t value_integer(struct choices *choices);
/* Bits of an f register: doubles, singles boxed or not, NaNs of both kinds, denormals. */
uint64_t value_float(struct choices *choices);

#endif
