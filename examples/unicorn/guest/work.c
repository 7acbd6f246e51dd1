/*
 * work.c - a guest that computes without a device, for measure.c.
 */
#include <stdint.h>

#include "primes.h"

#define BELOW 3000000u

extern volatile uint64_t result; /* so that the work is done */
volatile uint64_t result;

void monitor(void);
void monitor(void)
{
    uint64_t count = 0;
    for (uint64_t candidate = 2; candidate < BELOW; candidate++) {
        count += is_prime(candidate) ? 1 : 0;
    }
    result = count;
}

void interrupt(uint64_t cause);
void interrupt(uint64_t cause)
{
    (void)cause;
}
