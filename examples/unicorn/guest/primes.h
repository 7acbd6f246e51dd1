/*
 * primes.h - the guests' work.
 */
#ifndef EXAMPLES_UNICORN_GUEST_PRIMES_H
#define EXAMPLES_UNICORN_GUEST_PRIMES_H

#include <stdbool.h>
#include <stdint.h>

static inline bool is_prime(uint64_t candidate)
{
    for (uint64_t divisor = 2; divisor * divisor <= candidate; divisor++) {
        if (candidate % divisor == 0) {
            return false;
        }
    }
    return candidate >= 2;
}

#endif
