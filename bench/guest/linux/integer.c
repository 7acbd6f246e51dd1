/* Integers in registers, and calls. */
#include "programs.h"

#define INTEGER_ROUNDS 250000000u
#define CALLS_ROUNDS   45u
#define CALLS_DEPTH    29u

uint64_t integer_run(const struct work *work)
{
    uint64_t a = 1, b = 2, c = 3;

    for (uint64_t rounds = work_rounds(work, INTEGER_ROUNDS); rounds > 0; rounds--) {
        a += b ^ rounds;
        b = (b << 3) - a;
        c ^= a >> 7;
        if (c & 64)
            c += b;
        /* The compiler must neither unroll nor look ahead. */
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
    }
    return a + b + c;
}

__attribute__((noinline)) static uint64_t fibonacci(uint64_t n)
{
    /* A barrier, or the compiler makes a loop of half of the calls. */
    __asm__ volatile("" : "+r"(n));
    if (n < 2)
        return n;
    return fibonacci(n - 1) + fibonacci(n - 2);
}

uint64_t calls_run(const struct work *work)
{
    uint64_t sum = 0;

    for (uint64_t rounds = work_rounds(work, CALLS_ROUNDS); rounds > 0; rounds--)
        sum += fibonacci(CALLS_DEPTH);
    return sum;
}
