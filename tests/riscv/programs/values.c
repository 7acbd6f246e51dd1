#include "tests/riscv/programs/values.h"

uint64_t value_integer(struct choices *c)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     UINT64_MAX,
                                     INT64_MAX,
                                     UINT64_C(1) << 63,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     UINT64_C(0xffffffff80000000),
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     63,
                                     64,
                                     31,
                                     32};

    switch (choose(c, 4)) {
    case 0: return edges[choose(c, sizeof edges / sizeof *edges)];
    case 1: return choose_bits(c) >> choose(c, 64);
    case 2: return (uint64_t)((int64_t)choose_bits(c) >> choose(c, 64));
    default: return choose_bits(c);
    }
}

static uint64_t double_value(struct choices *c)
{
    static const uint64_t edges[] = {
        0x0000000000000000, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000000,
        0x7ff0000000000001, 0x7ff4000000000000, 0x7fefffffffffffff, 0x0010000000000000,
        0x000fffffffffffff, 0x0000000000000001, 0x3fe0000000000000, 0x3ff0000000000001,
        0x41dfffffffc00000, 0x41e0000000000000, 0x41efffffffe00000, 0x41f0000000000000,
        0x43e0000000000000, 0x43dfffffffffffff, 0x43f0000000000000, 0x4330000000000000,
        0x4340000000000001, 0x3ff8000000000000, 0x4004000000000000, 0x47efffffe0000000,
        0x36a0000000000000, 0x3690000000000000, 0x380fffffe0000000, 0x3810000000000000,
        0x7ffc000000000123, 0x47efffffefffffff, 0x47effffff0000000, 0x0008000000000000};
    uint64_t sign = choose_bits(c) & UINT64_C(1) << 63;

    switch (choose(c, 6)) {
    case 0:
    case 1: return edges[choose(c, sizeof edges / sizeof *edges)] | sign;
    case 2: /* near one: sums and products that are close to ties */
        return (UINT64_C(0x3fe) + choose(c, 4)) << 52 | (choose_bits(c) & 7) << choose(c, 50) |
               sign;
    case 3: /* few bits set, moderate exponent */
        return (UINT64_C(1023) - 70 + choose(c, 140)) << 52 |
               (choose_bits(c) & UINT64_C(0xfffff00000000)) | sign;
    case 4: /* denormal or tiny */ return (choose_bits(c) >> (11 + choose(c, 53))) | sign;
    default: return choose_bits(c);
    }
}

static uint64_t single_value(struct choices *c)
{
    static const uint32_t edges[] = {0x00000000, 0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001,
                                     0x7fa00000, 0x7f7fffff, 0x00800000, 0x007fffff, 0x00000001,
                                     0x3f000000, 0x3f800001, 0x4effffff, 0x4f000000, 0x4f7fffff,
                                     0x4f800000, 0x5effffff, 0x5f000000, 0x5f800000, 0x4b000000,
                                     0x4b800001, 0x3fc00000, 0x40200000, 0x7fe12345, 0x00400000};
    uint32_t sign = (uint32_t)choose_bits(c) & UINT32_C(1) << 31;
    uint32_t value;

    switch (choose(c, 6)) {
    case 0:
    case 1: value = edges[choose(c, sizeof edges / sizeof *edges)] | sign; break;
    case 2:
        value = (UINT32_C(0x7e) + choose(c, 4)) << 23 | choose(c, 8) << choose(c, 21) | sign;
        break;
    case 3:
        value = (UINT32_C(127) - 35 + choose(c, 70)) << 23 | choose(c, 1 << 12) << 11 | sign;
        break;
    case 4: value = (uint32_t)choose_bits(c) >> (8 + choose(c, 24)) | sign; break;
    default: value = (uint32_t)choose_bits(c); break;
    }
    return UINT64_C(0xffffffff00000000) | value;
}

uint64_t value_float(struct choices *c)
{
    switch (choose(c, 8)) {
    case 0: return choose_bits(c); /* mostly not a boxed single */
    case 1:
    case 2:
    case 3: return single_value(c);
    default: return double_value(c);
    }
}
