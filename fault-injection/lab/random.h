/*
 * What the lab draws from its seeds: splitmix64, of which neighbouring seeds give unrelated
 * numbers. The state is all there is; from the same one the same numbers.
 */
#ifndef FAULT_INJECTION_LAB_RANDOM_H
#define FAULT_INJECTION_LAB_RANDOM_H

#include <stdint.h>

uint64_t random_next(uint64_t *state);

#endif
