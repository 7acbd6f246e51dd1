#include "vmm/riscv/softfloat.h"

typedef unsigned __int128 u128;

const struct float_format float_single = {.fraction_bits = 23, .max_exponent = 127};
const struct float_format float_double = {.fraction_bits = 52, .max_exponent = 1023};

enum kind { ZERO, FINITE, INFINITE, QUIET_NAN, SIGNALING_NAN };

/* FINITE: (-1)^negative * significand / 2^63 * 2^exponent, with bit 63 of the significand set. */
struct number {
    enum kind kind;
    bool negative;
    int exponent;
    uint64_t significand;
};

static uint64_t sign_bit(const struct float_format *format, bool negative)
{
    return (uint64_t)negative << (format->fraction_bits + (format == &float_single ? 8 : 11));
}

static uint64_t infinity(const struct float_format *format, bool negative)
{
    return sign_bit(format, negative) | (uint64_t)(2 * format->max_exponent + 1)
                                            << format->fraction_bits;
}

static uint64_t canonical_nan(const struct float_format *format)
{
    return format == &float_single ? F32_CANONICAL_NAN : F64_CANONICAL_NAN;
}

static struct number unpack(const struct float_format *format, uint64_t bits)
{
    uint64_t fraction = bits & ((UINT64_C(1) << format->fraction_bits) - 1);
    int exponent = (int)(bits >> format->fraction_bits) & (2 * format->max_exponent + 1);
    struct number n = {.kind = FINITE, .negative = (bits & sign_bit(format, true)) != 0};

    if (exponent == 2 * format->max_exponent + 1) {
        bool quiet = (fraction >> (format->fraction_bits - 1)) != 0;
        n.kind = fraction == 0 ? INFINITE : quiet ? QUIET_NAN : SIGNALING_NAN;
    } else if (exponent != 0) {
        n.exponent = exponent - format->max_exponent;
        n.significand = (fraction | UINT64_C(1) << format->fraction_bits)
                        << (63 - format->fraction_bits);
    } else if (fraction == 0) {
        n.kind = ZERO;
    } else {
        int shift = __builtin_clzll(fraction);
        n.significand = fraction << shift;
        n.exponent = 1 - format->max_exponent + (63 - (int)format->fraction_bits) - shift;
    }
    return n;
}

/* Whether a magnitude is to be incremented, given its last bit, and the discarded part as compared
 * with one half: below (1), equal (2), above (3), or nothing discarded (0). */
static bool rounds_up(enum rounding_mode mode, bool negative, bool odd, unsigned discarded)
{
    switch (mode) {
    case ROUND_NEAREST_EVEN: return discarded == 3 || (discarded == 2 && odd);
    case ROUND_NEAREST_AWAY: return discarded >= 2;
    case ROUND_DOWN: return negative && discarded != 0;
    case ROUND_UP: return !negative && discarded != 0;
    default: return false;
    }
}

/* Takes the low `count` bits (1 to 128) off a significand; `*discarded` as above. */
static u128 cut(u128 significand, unsigned count, unsigned *discarded)
{
    u128 half = (u128)1 << (count - 1);
    u128 rest = count == 128 ? significand : significand & (((u128)1 << count) - 1);
    *discarded = rest == 0 ? 0 : rest < half ? 1 : rest == half ? 2 : 3;
    return count == 128 ? 0 : significand >> count;
}

/* Rounds (-1)^negative * significand / 2^127 * 2^exponent, with bit 127 set; bit 0 may stand for
 * any number of further bits, not all zero. */
static uint64_t round_and_pack(const struct float_format *format, bool negative, int exponent,
                               u128 significand, enum rounding_mode mode, unsigned *flags)
{
    int min_exponent = 1 - format->max_exponent;
    unsigned excess = 127 - format->fraction_bits;
    unsigned discarded;
    u128 kept = cut(significand, excess, &discarded);
    bool tiny = exponent < min_exponent;

    if (exponent < min_exponent) {
        /* Tininess is detected after rounding with an unbounded exponent. */
        if (exponent == min_exponent - 1 && rounds_up(mode, negative, kept & 1, discarded) &&
            kept + 1 == (u128)1 << (format->fraction_bits + 1)) {
            tiny = false;
        }
        int shift = min_exponent - exponent;
        if ((int)excess + shift > 128) {
            kept = 0;
            discarded = 1;
        } else {
            kept = cut(significand, excess + (unsigned)shift, &discarded);
        }
    }
    kept += rounds_up(mode, negative, kept & 1, discarded);
    if (discarded != 0) {
        *flags |= FFLAG_INEXACT | (tiny ? FFLAG_UNDERFLOW : 0);
    }
    if (exponent < min_exponent) {
        /* A carry into the hidden bit makes the smallest normal number by itself. */
        return sign_bit(format, negative) | (uint64_t)kept;
    }
    if (kept >> (format->fraction_bits + 1) != 0) {
        kept >>= 1;
        exponent++;
    }
    if (exponent > format->max_exponent) {
        bool to_infinity = mode == ROUND_NEAREST_EVEN || mode == ROUND_NEAREST_AWAY ||
                           (mode == ROUND_UP && !negative) || (mode == ROUND_DOWN && negative);
        *flags |= FFLAG_OVERFLOW | FFLAG_INEXACT;
        return infinity(format, negative) - (to_infinity ? 0 : 1);
    }
    return (sign_bit(format, negative) | (uint64_t)(exponent + format->max_exponent)
                                             << format->fraction_bits) +
           ((uint64_t)kept - (UINT64_C(1) << format->fraction_bits));
}

static uint64_t invalid(const struct float_format *format, unsigned *flags)
{
    *flags |= FFLAG_INVALID;
    return canonical_nan(format);
}

static bool is_nan(struct number n)
{
    return n.kind == QUIET_NAN || n.kind == SIGNALING_NAN;
}

static uint64_t propagate_nan(const struct float_format *format, bool signaling, unsigned *flags)
{
    return signaling ? invalid(format, flags) : canonical_nan(format);
}

/* Shifts right; what is lost is remembered in bit 0. */
static u128 shift_jamming(u128 value, int count)
{
    if (count == 0) {
        return value;
    }
    if (count > 127) {
        return value != 0;
    }
    return value >> count | ((value << (128 - count)) != 0);
}

static int leading_zeros(u128 value)
{
    uint64_t high = (uint64_t)(value >> 64);
    return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)value);
}

/* The sum of two finite magnitudes with signs, neither zero. Significands have bit 126 as their
 * highest, so that the carry fits; the lower 20 bits of both are zero on entry, so that jamming
 * cannot reach the bits that decide (only operands one apart in exponent cancel deeply, and those
 * lose no bit). */
static uint64_t add_magnitudes(const struct float_format *format, bool negative_a, int exponent_a,
                               u128 a, bool negative_b, int exponent_b, u128 b,
                               enum rounding_mode mode, unsigned *flags)
{
    bool negative = negative_a;
    u128 sum;
    int shift;

    if (exponent_a < exponent_b || (exponent_a == exponent_b && a < b)) {
        u128 swap = a;
        int swap_exponent = exponent_a;
        a = b;
        b = swap;
        exponent_a = exponent_b;
        exponent_b = swap_exponent;
        negative = negative_b;
    }
    b = shift_jamming(b, exponent_a - exponent_b);
    sum = negative_a == negative_b ? a + b : a - b;
    if (sum == 0) {
        return sign_bit(format, mode == ROUND_DOWN);
    }
    shift = leading_zeros(sum);
    return round_and_pack(format, negative, exponent_a + 1 - shift, sum << shift, mode, flags);
}

uint64_t soft_fma(const struct float_format *format, uint64_t a_bits, uint64_t b_bits,
                  uint64_t c_bits, enum rounding_mode mode, unsigned *flags)
{
    struct number a = unpack(format, a_bits);
    struct number b = unpack(format, b_bits);
    struct number c = unpack(format, c_bits);
    bool negative = a.negative != b.negative;
    bool signaling = a.kind == SIGNALING_NAN || b.kind == SIGNALING_NAN || c.kind == SIGNALING_NAN;

    /* Infinity times zero is invalid even if a quiet NaN is added (chapter 11.6). */
    if ((a.kind == INFINITE && b.kind == ZERO) || (a.kind == ZERO && b.kind == INFINITE)) {
        return invalid(format, flags);
    }
    if (is_nan(a) || is_nan(b) || is_nan(c)) {
        return propagate_nan(format, signaling, flags);
    }
    if (a.kind == INFINITE || b.kind == INFINITE) {
        if (c.kind == INFINITE && c.negative != negative) {
            return invalid(format, flags);
        }
        return infinity(format, negative);
    }
    if (c.kind == INFINITE) {
        return c_bits;
    }
    if (a.kind == ZERO || b.kind == ZERO) {
        if (c.kind == ZERO && c.negative != negative) {
            return sign_bit(format, mode == ROUND_DOWN);
        }
        return c_bits;
    }
    u128 product = (u128)a.significand * b.significand; /* highest bit is 127 or 126 */
    int exponent = a.exponent + b.exponent;
    int shift = leading_zeros(product);
    product <<= shift;
    exponent += 1 - shift;
    if (c.kind == ZERO) {
        return round_and_pack(format, negative, exponent, product, mode, flags);
    }
    return add_magnitudes(format, negative, exponent, product >> 1, c.negative, c.exponent,
                          (u128)c.significand << 63, mode, flags);
}

uint64_t soft_add(const struct float_format *format, uint64_t a, uint64_t b,
                  enum rounding_mode mode, unsigned *flags)
{
    uint64_t one = (uint64_t)format->max_exponent << format->fraction_bits;
    return soft_fma(format, a, one, b, mode, flags);
}

uint64_t soft_mul(const struct float_format *format, uint64_t a_bits, uint64_t b_bits,
                  enum rounding_mode mode, unsigned *flags)
{
    /* Adding a zero of the product's sign changes nothing, not even a zero's sign. */
    uint64_t sign = (a_bits ^ b_bits) & sign_bit(format, true);
    return soft_fma(format, a_bits, b_bits, sign, mode, flags);
}

uint64_t soft_div(const struct float_format *format, uint64_t a_bits, uint64_t b_bits,
                  enum rounding_mode mode, unsigned *flags)
{
    struct number a = unpack(format, a_bits);
    struct number b = unpack(format, b_bits);
    bool negative = a.negative != b.negative;

    if (is_nan(a) || is_nan(b)) {
        return propagate_nan(format, a.kind == SIGNALING_NAN || b.kind == SIGNALING_NAN, flags);
    }
    if (a.kind == b.kind && a.kind != FINITE) { /* inf / inf, 0 / 0 */
        return invalid(format, flags);
    }
    if (a.kind == INFINITE || b.kind == ZERO) {
        if (a.kind == FINITE) {
            *flags |= FFLAG_DIVIDE;
        }
        return infinity(format, negative);
    }
    if (a.kind == ZERO || b.kind == INFINITE) {
        return sign_bit(format, negative);
    }
    u128 dividend = (u128)a.significand << 63;
    u128 quotient = dividend / b.significand; /* 63 or 64 bits */
    int exponent = a.exponent - b.exponent;
    int shift = leading_zeros(quotient);
    u128 significand = quotient << shift | (dividend % b.significand != 0);
    return round_and_pack(format, negative, exponent + 64 - shift, significand, mode, flags);
}

uint64_t soft_sqrt(const struct float_format *format, uint64_t a_bits, enum rounding_mode mode,
                   unsigned *flags)
{
    struct number a = unpack(format, a_bits);

    if (is_nan(a)) {
        return propagate_nan(format, a.kind == SIGNALING_NAN, flags);
    }
    if (a.kind == ZERO || (a.kind == INFINITE && !a.negative)) {
        return a_bits;
    }
    if (a.negative) {
        return invalid(format, flags);
    }
    /* An even exponent e and a radicand in [2^126, 2^128) with value = radicand / 2^126 * 2^e. */
    bool odd = (a.exponent & 1) != 0;
    u128 radicand = (u128)a.significand << (odd ? 64 : 63);
    int exponent = (a.exponent - (odd ? 1 : 0)) / 2;
    u128 rest = 0;
    uint64_t root = 0;
    for (int bit = 126; bit >= 0; bit -= 2) {
        u128 trial = (u128)root << 2 | 1;
        rest = rest << 2 | (radicand >> bit & 3);
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    return round_and_pack(format, false, exponent, (u128)root << 64 | (rest != 0), mode, flags);
}

uint64_t soft_convert(const struct float_format *to, const struct float_format *from, uint64_t bits,
                      enum rounding_mode mode, unsigned *flags)
{
    struct number a = unpack(from, bits);

    switch (a.kind) {
    case ZERO: return sign_bit(to, a.negative);
    case INFINITE: return infinity(to, a.negative);
    case FINITE:
        return round_and_pack(to, a.negative, a.exponent, (u128)a.significand << 64, mode, flags);
    default: return propagate_nan(to, a.kind == SIGNALING_NAN, flags);
    }
}

uint64_t soft_from_integer(const struct float_format *format, bool negative, uint64_t magnitude,
                           enum rounding_mode mode, unsigned *flags)
{
    if (magnitude == 0) {
        return 0;
    }
    int shift = __builtin_clzll(magnitude);
    return round_and_pack(format, negative, 63 - shift, (u128)magnitude << (64 + shift), mode,
                          flags);
}

static uint64_t saturate(bool negative, unsigned width, bool is_signed)
{
    uint64_t highest = UINT64_C(1) << (width - 1);
    uint64_t result;

    if (is_signed) {
        result = negative ? highest : highest - 1;
    } else {
        result = negative ? 0 : highest | (highest - 1);
    }
    return width == 32 ? (uint64_t)(int64_t)(int32_t)result : result;
}

uint64_t soft_to_integer(const struct float_format *format, uint64_t bits, unsigned width,
                         bool is_signed, enum rounding_mode mode, unsigned *flags)
{
    struct number a = unpack(format, bits);
    unsigned discarded;
    u128 magnitude;
    u128 limit;

    if (a.kind == ZERO) {
        return 0;
    }
    if (a.kind != FINITE || a.exponent > 64) {
        *flags |= FFLAG_INVALID;
        return saturate(a.negative && !is_nan(a), width, is_signed);
    }
    if (a.exponent < -2) {
        magnitude = 0;
        discarded = 1;
    } else {
        magnitude = cut((u128)a.significand << 61, (unsigned)(124 - a.exponent), &discarded);
    }
    magnitude += rounds_up(mode, a.negative, magnitude & 1, discarded);
    limit = (u128)1 << (is_signed ? width - 1 : width);
    if (a.negative ? magnitude > (is_signed ? limit : 0) : magnitude >= limit) {
        *flags |= FFLAG_INVALID;
        return saturate(a.negative, width, is_signed);
    }
    if (discarded != 0) {
        *flags |= FFLAG_INEXACT;
    }
    uint64_t result = (uint64_t)magnitude;
    if (a.negative) {
        result = -result;
    }
    return width == 32 ? (uint64_t)(int64_t)(int32_t)result : result;
}
