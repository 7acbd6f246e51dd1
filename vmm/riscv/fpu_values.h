/* Floating-point numbers as bits: boxing, classes, order. */
#ifndef VMM_RISCV_FPU_VALUES_H
#define VMM_RISCV_FPU_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vmm/riscv/fpu.h"

#define F32_SIGN     UINT32_C(0x80000000)
#define F32_INFINITY UINT32_C(0x7f800000)
#define F32_QUIET    UINT32_C(0x00400000)
#define F64_SIGN     (UINT64_C(1) << 63)
#define F64_INFINITY UINT64_C(0x7ff0000000000000)
#define F64_QUIET    UINT64_C(0x0008000000000000)

/* A single in a 64-bit register has ones above it; anything else reads as NaN (chapter 12.2). */
static inline uint64_t box(uint64_t single)
{
    return single | UINT64_C(0xffffffff00000000);
}

static inline uint32_t unbox(uint64_t bits)
{
    return bits >> 32 == UINT32_MAX ? (uint32_t)bits : F32_CANONICAL_NAN;
}

static inline double f64_value(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float f32_value(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float f32_boxed_value(uint64_t bits)
{
    return f32_value(unbox(bits));
}

static inline uint64_t f32_boxed_bits(float value)
{
    return box(f32_bits(value));
}

/* Of the low 32 bits. */
static inline bool f32_is_nan(uint64_t bits)
{
    return ((uint32_t)bits & ~F32_SIGN) > F32_INFINITY;
}

static inline bool f64_is_nan(uint64_t bits)
{
    return (bits & ~F64_SIGN) > F64_INFINITY;
}

static inline bool f32_is_signaling(uint32_t bits)
{
    return f32_is_nan(bits) && (bits & F32_QUIET) == 0;
}

static inline bool f64_is_signaling(uint64_t bits)
{
    return f64_is_nan(bits) && (bits & F64_QUIET) == 0;
}

/* Integers in the order of the numbers, NaNs aside; -0 is just below +0. */
static inline int64_t f32_order(uint32_t bits)
{
    return (bits & F32_SIGN) != 0 ? -(int64_t)(bits & ~F32_SIGN) - 1 : (int64_t)bits;
}

static inline int64_t f64_order(uint64_t bits)
{
    return (bits & F64_SIGN) != 0 ? -(int64_t)(bits & ~F64_SIGN) - 1 : (int64_t)bits;
}

static inline bool f32_is_infinite_times_zero(uint32_t a, uint32_t b)
{
    a &= ~F32_SIGN;
    b &= ~F32_SIGN;
    return (a == F32_INFINITY && b == 0) || (a == 0 && b == F32_INFINITY);
}

static inline bool f64_is_infinite_times_zero(uint64_t a, uint64_t b)
{
    a &= ~F64_SIGN;
    b &= ~F64_SIGN;
    return (a == F64_INFINITY && b == 0) || (a == 0 && b == F64_INFINITY);
}

/* fclass, chapter 11.9: one bit of ten. */
static inline uint64_t float_class(bool negative, bool exponent_zero, bool exponent_ones,
                                   bool fraction_zero, bool quiet)
{
    if (exponent_ones && !fraction_zero) {
        return quiet ? 1u << 9 : 1u << 8;
    }
    unsigned magnitude = exponent_ones ? 3 : !exponent_zero ? 2 : !fraction_zero ? 1 : 0;
    return negative ? 1u << (3 - magnitude) : 1u << (4 + magnitude);
}

static inline uint64_t f32_class(uint32_t bits)
{
    uint32_t exponent = bits & F32_INFINITY;
    return float_class((bits & F32_SIGN) != 0, exponent == 0, exponent == F32_INFINITY,
                       (bits & (F32_QUIET * 2 - 1)) == 0, (bits & F32_QUIET) != 0);
}

static inline uint64_t f64_class(uint64_t bits)
{
    uint64_t exponent = bits & F64_INFINITY;
    return float_class((bits & F64_SIGN) != 0, exponent == 0, exponent == F64_INFINITY,
                       (bits & (F64_QUIET * 2 - 1)) == 0, (bits & F64_QUIET) != 0);
}

#endif
