/*
 * Where random tests take their decisions from: a seed, or a fuzzer's bytes. A pure function of
 * either. Bytes decide as long as there are any; after that, numbers drawn from the first eight.
 */
#ifndef TESTS_RISCV_CHOICES_H
#define TESTS_RISCV_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choices {
    uint64_t random;
    const uint8_t *bytes;
    size_t left; /* of them */
};

struct choices choices_from_seed(uint64_t seed);
/* The bytes must outlive the choices. */
struct choices choices_from_bytes(const uint8_t *bytes, size_t size);

uint64_t choose_bits(struct choices *choices);
/* 0 to limit - 1. */
uint32_t choose(struct choices *choices, uint32_t limit);
/* True once in `count` times. */
bool choose_one_in(struct choices *choices, uint32_t count);

#define CHOOSE_FROM(choices, array)                                                                \
    ((array)[choose((choices), (uint32_t)(sizeof(array) / sizeof *(array)))])

#endif
