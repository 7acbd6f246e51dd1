/* Workloads for bench/riscv_mips.c, on the bare machine. Each returns a value that depends on all
 * of its work. */
#include <stdint.h>

static uint64_t integer_loop(uint64_t rounds)
{
    uint64_t a = 1, b = 2, c = 3;
    for (uint64_t i = 0; i < rounds; i++) {
        a += b ^ i;
        b = (b << 3) - a;
        c ^= a >> 7;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
    }
    return a + b + c;
}

__attribute__((noinline)) static uint64_t fibonacci(uint64_t n)
{
    __asm__ volatile("" : "+r"(n));
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t calls(uint64_t rounds)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rounds / 16384; i++) {
        sum += fibonacci(16);
    }
    return sum;
}

#define WORDS (1u << 20)
static uint32_t words[WORDS];

static uint64_t memory(uint64_t rounds)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        uint32_t place = (uint32_t)i & (WORDS - 1);
        words[place] += (uint32_t)i;
        sum += words[(place + 4097) & (WORDS - 1)];
    }
    return sum;
}

static uint64_t random_walk(uint64_t rounds)
{
    uint32_t place = 1;
    for (uint64_t i = 0; i < rounds; i++) {
        place = place * 1664525 + 1013904223 + words[place >> 12];
    }
    return place;
}

static uint64_t floats(uint64_t rounds)
{
    double x = 0.1, y = 0.7, z = 0.0;
    for (uint64_t i = 0; i < rounds; i++) {
        double r = x * x + y * y + 0.5;
        z += x / r;
        x = y * 0.99 + 0.01;
        y = z - (double)(int64_t)z;
    }
    return (uint64_t)(z * 1e6);
}

uint64_t workload(uint64_t which, uint64_t rounds)
{
    switch (which) {
    case 0: return integer_loop(rounds);
    case 1: return calls(rounds);
    case 2: return memory(rounds);
    case 3: return random_walk(rounds);
    default: return floats(rounds);
    }
}
