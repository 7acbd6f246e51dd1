/* Integer operations of the M, Zba, Zbb and Zbs extensions that C has no operator for. */
#ifndef VMM_RISCV_BITS_H
#define VMM_RISCV_BITS_H

#include <stdint.h>

static inline uint64_t sign_extend_32(uint64_t value)
{
    return (uint64_t)(int64_t)(int32_t)value;
}

static inline uint64_t multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((unsigned __int128)a * b >> 64);
}

static inline uint64_t multiply_high_signed(uint64_t a, uint64_t b)
{
    return (uint64_t)((__int128)(int64_t)a * (int64_t)b >> 64);
}

static inline uint64_t multiply_high_signed_unsigned(uint64_t a, uint64_t b)
{
    return multiply_high(a, b) - ((int64_t)a < 0 ? b : 0);
}

/* Division by zero and overflow do not trap: chapter 7.2. */
static inline uint64_t divide_signed(uint64_t a, uint64_t b)
{
    if (b == 0) {
        return UINT64_MAX;
    }
    return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t remainder_signed(uint64_t a, uint64_t b)
{
    if (b == 0) {
        return a;
    }
    return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t divide_unsigned(uint64_t a, uint64_t b)
{
    return b == 0 ? UINT64_MAX : a / b;
}

static inline uint64_t remainder_unsigned(uint64_t a, uint64_t b)
{
    return b == 0 ? a : a % b;
}

static inline uint64_t rotate_right(uint64_t value, unsigned count)
{
    return value >> (count & 63) | value << (-count & 63);
}

static inline uint64_t rotate_right_32(uint64_t value, unsigned count)
{
    uint32_t word = (uint32_t)value;
    return sign_extend_32(word >> (count & 31) | word << (-count & 31));
}

static inline uint64_t count_leading_zeros(uint64_t value)
{
    return value == 0 ? 64 : (uint64_t)__builtin_clzll(value);
}

static inline uint64_t count_trailing_zeros(uint64_t value)
{
    return value == 0 ? 64 : (uint64_t)__builtin_ctzll(value);
}

static inline uint64_t count_leading_zeros_32(uint64_t value)
{
    return (uint32_t)value == 0 ? 32 : (uint64_t)__builtin_clz((uint32_t)value);
}

static inline uint64_t count_trailing_zeros_32(uint64_t value)
{
    return (uint32_t)value == 0 ? 32 : (uint64_t)__builtin_ctz((uint32_t)value);
}

/* All bits of every byte that is not zero. */
static inline uint64_t or_combine_bytes(uint64_t value)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t nonzero = (((value & low) + low) | value) & ~low; /* bit 7 of each byte */
    return (nonzero >> 7) * 0xff;
}

static inline uint64_t minimum_signed(uint64_t a, uint64_t b)
{
    return (int64_t)a < (int64_t)b ? a : b;
}

static inline uint64_t maximum_signed(uint64_t a, uint64_t b)
{
    return (int64_t)a > (int64_t)b ? a : b;
}

static inline uint64_t minimum_unsigned(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t maximum_unsigned(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
