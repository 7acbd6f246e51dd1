/* The host's FPU and softfloat agree in value and flags, in the modes that both have; and the mode
 * that the host lacks rounds ties away. */
#include <criterion/criterion.h>

#include "vmm/riscv/fpu_host.h"
#include "vmm/riscv/fpu_values.h"
#include "vmm/riscv/softfloat.h"

#define ROUNDS 200000u

static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Mostly of close exponents and few bits, so that ties, cancellation and exact results occur; some
 * at the ends of the range, where rounding meets overflow and denormals. */
static uint64_t random_double(uint64_t *state)
{
    uint64_t r = random_bits(state);
    uint64_t sign = random_bits(state) & F64_SIGN;
    uint64_t fraction = random_bits(state) & (F64_INFINITY ^ ~F64_SIGN);

    switch (r % 8) {
    case 0: return random_bits(state);
    case 1: return sign | fraction >> (r >> 8) % 53; /* denormal */
    case 2: return sign | (UINT64_C(0x7fe) - (r >> 8) % 3) << 52 | fraction;
    case 3: return sign | (1 + (r >> 8) % 60) << 52 | fraction;
    case 4: return sign | (UINT64_C(1000) + (r >> 8) % 50) << 52 | (fraction & ~UINT64_C(0) << 40);
    case 5: return sign | (UINT64_C(1020) + (r >> 8) % 4) << 52 | (fraction & 3);
    default: return sign | (UINT64_C(1000) + (r >> 8) % 50) << 52 | fraction;
    }
}

static uint64_t random_single(uint64_t *state)
{
    uint64_t r = random_bits(state);
    uint32_t sign = (uint32_t)random_bits(state) & F32_SIGN;
    uint32_t fraction = (uint32_t)random_bits(state) & 0x7fffff;

    switch (r % 8) {
    case 0: return (uint32_t)random_bits(state);
    case 1: return sign | fraction >> (r >> 8) % 24;
    case 2: return sign | (UINT32_C(0xfe) - (r >> 8) % 3) << 23 | fraction;
    case 3: return sign | (uint32_t)(1 + (r >> 8) % 30) << 23 | fraction;
    case 4: return sign | (uint32_t)(110 + (r >> 8) % 30) << 23 | (fraction & ~UINT32_C(0) << 16);
    case 5: return sign | (uint32_t)(125 + (r >> 8) % 4) << 23 | (fraction & 3);
    default: return sign | (uint32_t)(110 + (r >> 8) % 30) << 23 | fraction;
    }
}

enum operation { ADD, MULTIPLY, DIVIDE, SQUARE_ROOT, FUSED, NARROW, WIDEN, OPERATIONS };

static uint64_t on_host(bool single, enum operation operation, uint64_t a, uint64_t b, uint64_t c)
{
    double x = f64_value(a), y = f64_value(b), z = f64_value(c);
    float xs = f32_value((uint32_t)a), ys = f32_value((uint32_t)b), zs = f32_value((uint32_t)c);

    switch (operation) {
    case ADD: return single ? f32_bits(host_add_s(xs, ys)) : f64_bits(host_add_d(x, y));
    case MULTIPLY: return single ? f32_bits(host_mul_s(xs, ys)) : f64_bits(host_mul_d(x, y));
    case DIVIDE: return single ? f32_bits(host_div_s(xs, ys)) : f64_bits(host_div_d(x, y));
    case SQUARE_ROOT: return single ? f32_bits(host_sqrt_s(xs)) : f64_bits(host_sqrt_d(x));
    case FUSED: return single ? f32_bits(host_fma_s(xs, ys, zs)) : f64_bits(host_fma_d(x, y, z));
    case NARROW: return f32_bits(host_d_to_s(x));
    default: return f64_bits(host_s_to_d(xs));
    }
}

static uint64_t in_integers(bool single, enum operation operation, uint64_t a, uint64_t b,
                            uint64_t c, enum rounding_mode mode, unsigned *flags)
{
    const struct float_format *format = single ? &float_single : &float_double;

    switch (operation) {
    case ADD: return soft_add(format, a, b, mode, flags);
    case MULTIPLY: return soft_mul(format, a, b, mode, flags);
    case DIVIDE: return soft_div(format, a, b, mode, flags);
    case SQUARE_ROOT: return soft_sqrt(format, a, mode, flags);
    case FUSED: return soft_fma(format, a, b, c, mode, flags);
    case NARROW: return soft_convert(&float_single, &float_double, a, mode, flags);
    default: return soft_convert(&float_double, &float_single, a, mode, flags);
    }
}

static void expect_agreement(enum operation operation, bool single)
{
    uint64_t state = operation * 2 + single;
    bool narrow_result = operation == NARROW || (single && operation != WIDEN);
    bool narrow_operands = operation == WIDEN || (single && operation != NARROW);

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t (*number)(uint64_t *) = narrow_operands ? random_single : random_double;
        uint64_t a = number(&state), b = number(&state), c = number(&state);
        enum rounding_mode mode = (enum rounding_mode)(i % 4);
        unsigned flags = 0, host_flags;
        uint64_t soft, host;

        if (operation == FUSED && (single ? f32_is_infinite_times_zero((uint32_t)a, (uint32_t)b)
                                          : f64_is_infinite_times_zero(a, b))) {
            continue; /* the hart does not ask the host */
        }
        host_control_set(HOST_CONTROL_DEFAULT | host_control_rounding(mode));
        host = on_host(single, operation, a, b, c);
        host_flags = host_control_fflags(host_control_get());
        host_control_set(HOST_CONTROL_DEFAULT);
        if (narrow_result ? f32_is_nan(host) : f64_is_nan(host)) {
            host = narrow_result ? F32_CANONICAL_NAN : F64_CANONICAL_NAN;
        }
        soft = in_integers(single, operation, a, b, c, mode, &flags);
        cr_assert_eq(soft, host, "operation %d of %llx, %llx, %llx in mode %d: %llx, host %llx",
                     operation, (unsigned long long)a, (unsigned long long)b, (unsigned long long)c,
                     mode, (unsigned long long)soft, (unsigned long long)host);
        cr_assert_eq(flags, host_flags, "operation %d of %llx, %llx, %llx in mode %d: flags %x, %x",
                     operation, (unsigned long long)a, (unsigned long long)b, (unsigned long long)c,
                     mode, flags, host_flags);
    }
}

Test(softfloat, agrees_with_the_host_in_doubles)
{
    for (enum operation operation = ADD; operation < OPERATIONS; operation++) {
        expect_agreement(operation, false);
    }
}

Test(softfloat, agrees_with_the_host_in_singles)
{
    for (enum operation operation = ADD; operation < NARROW; operation++) {
        expect_agreement(operation, true);
    }
}

Test(softfloat, rounds_ties_away_from_zero_when_asked)
{
    unsigned flags = 0;
    uint64_t one = UINT64_C(0x3ff0000000000000);
    uint64_t half_unit = UINT64_C(0x3ca0000000000000); /* 2^-53 */

    cr_expect_eq(soft_add(&float_double, one, half_unit, ROUND_NEAREST_EVEN, &flags), one);
    cr_expect_eq(soft_add(&float_double, one, half_unit, ROUND_NEAREST_AWAY, &flags), one + 1);
    cr_expect_eq(
        soft_add(&float_double, one | F64_SIGN, half_unit | F64_SIGN, ROUND_NEAREST_AWAY, &flags),
        (one + 1) | F64_SIGN);
    cr_expect_eq(flags, FFLAG_INEXACT);
    cr_expect_eq(soft_to_integer(&float_double, UINT64_C(0x4004000000000000), 64, true,
                                 ROUND_NEAREST_AWAY, &flags),
                 3); /* 2.5 */
    cr_expect_eq(soft_to_integer(&float_double, UINT64_C(0x4004000000000000), 64, true,
                                 ROUND_NEAREST_EVEN, &flags),
                 2);
}
