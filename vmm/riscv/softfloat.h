/*
 * IEEE 754 arithmetic in integers, for every rounding mode of RISC-V. Exact and slow: the hart uses
 * it for the mode that its host lacks, and for conversions to integers.
 *
 * Values are bits. A single occupies the low 32 bits, without NaN boxing. `flags` is or'ed with
 * FFLAG_*. NaN results are canonical.
 */
#ifndef VMM_RISCV_SOFTFLOAT_H
#define VMM_RISCV_SOFTFLOAT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/fpu.h"

struct float_format {
    unsigned fraction_bits;
    int max_exponent; /* of a finite number; the bias */
};
extern const struct float_format float_single;
extern const struct float_format float_double;

/* a * b + c, rounded once; sums and products are special cases of it. */
uint64_t soft_fma(const struct float_format *format, uint64_t a, uint64_t b, uint64_t c,
                  enum rounding_mode mode, unsigned *flags);
uint64_t soft_add(const struct float_format *format, uint64_t a, uint64_t b,
                  enum rounding_mode mode, unsigned *flags);
uint64_t soft_mul(const struct float_format *format, uint64_t a, uint64_t b,
                  enum rounding_mode mode, unsigned *flags);
uint64_t soft_div(const struct float_format *format, uint64_t a, uint64_t b,
                  enum rounding_mode mode, unsigned *flags);
uint64_t soft_sqrt(const struct float_format *format, uint64_t a, enum rounding_mode mode,
                   unsigned *flags);
uint64_t soft_convert(const struct float_format *to, const struct float_format *from, uint64_t a,
                      enum rounding_mode mode, unsigned *flags);
/* (-1)^negative * magnitude */
uint64_t soft_from_integer(const struct float_format *format, bool negative, uint64_t magnitude,
                           enum rounding_mode mode, unsigned *flags);
/* To a two's complement integer of `width` bits, saturating; a 32-bit result is sign-extended. */
uint64_t soft_to_integer(const struct float_format *format, uint64_t a, unsigned width,
                         bool is_signed, enum rounding_mode mode, unsigned *flags);

#endif
