#include "tests/riscv/differential/generate.h"

#include <stdbool.h>
#include <string.h>

struct generator {
    uint64_t random;
    uint8_t *code;
    unsigned used;
};

static uint64_t next_random(struct generator *g)
{
    /* splitmix64 */
    uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t below(struct generator *g, uint32_t limit)
{
    return (uint32_t)(next_random(g) % limit);
}

static uint64_t integer_value(struct generator *g)
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

    switch (below(g, 4)) {
    case 0: return edges[below(g, sizeof edges / sizeof *edges)];
    case 1: return next_random(g) >> below(g, 64);
    case 2: return (uint64_t)((int64_t)next_random(g) >> below(g, 64));
    default: return next_random(g);
    }
}

static uint64_t double_value(struct generator *g)
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
    uint64_t sign = next_random(g) & UINT64_C(1) << 63;

    switch (below(g, 6)) {
    case 0:
    case 1: return edges[below(g, sizeof edges / sizeof *edges)] | sign;
    case 2: /* near one: sums and products that are close to ties */
        return (UINT64_C(0x3fe) + below(g, 4)) << 52 | (next_random(g) & 7) << below(g, 50) | sign;
    case 3: /* few bits set, moderate exponent */
        return (UINT64_C(1023) - 70 + below(g, 140)) << 52 |
               (next_random(g) & UINT64_C(0xfffff00000000)) | sign;
    case 4: /* denormal or tiny */ return (next_random(g) >> (11 + below(g, 53))) | sign;
    default: return next_random(g);
    }
}

static uint64_t single_value(struct generator *g)
{
    static const uint32_t edges[] = {0x00000000, 0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001,
                                     0x7fa00000, 0x7f7fffff, 0x00800000, 0x007fffff, 0x00000001,
                                     0x3f000000, 0x3f800001, 0x4effffff, 0x4f000000, 0x4f7fffff,
                                     0x4f800000, 0x5effffff, 0x5f000000, 0x5f800000, 0x4b000000,
                                     0x4b800001, 0x3fc00000, 0x40200000, 0x7fe12345, 0x00400000};
    uint32_t sign = (uint32_t)next_random(g) & UINT32_C(1) << 31;
    uint32_t value;

    switch (below(g, 6)) {
    case 0:
    case 1: value = edges[below(g, sizeof edges / sizeof *edges)] | sign; break;
    case 2:
        value = (UINT32_C(0x7e) + below(g, 4)) << 23 | below(g, 8) << below(g, 21) | sign;
        break;
    case 3:
        value = (UINT32_C(127) - 35 + below(g, 70)) << 23 | below(g, 1 << 12) << 11 | sign;
        break;
    case 4: value = (uint32_t)next_random(g) >> (8 + below(g, 24)) | sign; break;
    default: value = (uint32_t)next_random(g); break;
    }
    return UINT64_C(0xffffffff00000000) | value;
}

static uint64_t float_value(struct generator *g)
{
    switch (below(g, 8)) {
    case 0: return next_random(g); /* mostly not a boxed single */
    case 1:
    case 2:
    case 3: return single_value(g);
    default: return double_value(g);
    }
}

static void emit_16(struct generator *g, uint32_t bits)
{
    uint16_t half = (uint16_t)bits;
    memcpy(g->code + g->used, &half, sizeof half);
    g->used += 2;
}

static void emit(struct generator *g, uint32_t bits)
{
    memcpy(g->code + g->used, &bits, sizeof bits);
    g->used += 4;
}

static uint32_t source(struct generator *g)
{
    return below(g, 32);
}

/* Neither the bases of memory accesses nor the context. */
static uint32_t destination(struct generator *g)
{
    for (;;) {
        uint32_t x = below(g, 32);
        if (x != 2 && x != 3 && x != 4 && x != 8) {
            return x;
        }
    }
}

static uint32_t short_destination(struct generator *g)
{
    return 1 + below(g, 7); /* x9..x15 as x8 + n */
}

static uint32_t r_type(uint32_t funct7, uint32_t rs2, uint32_t rs1, uint32_t funct3, uint32_t rd,
                       uint32_t opcode)
{
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static void register_operation(struct generator *g)
{
    static const struct {
        uint8_t funct7, funct3s, opcode; /* funct3s: a bit for each that exists */
    } groups[] = {{0x00, 0xff, 0x33}, {0x20, 0xf1, 0x33}, {0x01, 0xff, 0x33}, {0x05, 0xf0, 0x33},
                  {0x10, 0x54, 0x33}, {0x24, 0x22, 0x33}, {0x30, 0x22, 0x33}, {0x34, 0x02, 0x33},
                  {0x14, 0x02, 0x33}, {0x00, 0x23, 0x3b}, {0x01, 0xf1, 0x3b}, {0x20, 0x21, 0x3b},
                  {0x10, 0x54, 0x3b}, {0x30, 0x22, 0x3b}, {0x04, 0x01, 0x3b}};
    unsigned group = below(g, sizeof groups / sizeof *groups);
    uint32_t funct3;

    do {
        funct3 = below(g, 8);
    } while ((groups[group].funct3s >> funct3 & 1) == 0);
    emit(g, r_type(groups[group].funct7, source(g), source(g), funct3, destination(g),
                   groups[group].opcode));
}

static void immediate_operation(struct generator *g)
{
    static const uint16_t unary[] = {0x600, 0x601, 0x602, 0x604, 0x605};
    static const uint8_t shifts[] = {0x00, 0x0a, 0x12, 0x1a}; /* funct6 with funct3 1 */
    static const uint8_t right_shifts[] = {0x00, 0x10, 0x12, 0x18};
    static const uint16_t word_shifts[] = {0x000, 0x400, 0x600};
    uint32_t rd = destination(g);
    uint32_t rs1 = source(g);
    uint32_t amount = below(g, 64);
    uint32_t immediate = 0, funct3 = 0, opcode = 0x13;

    switch (below(g, 12)) {
    case 0: immediate = unary[below(g, 5)], funct3 = 1; break;
    case 1: immediate = (uint32_t)shifts[below(g, 4)] << 6 | amount, funct3 = 1; break;
    case 2: immediate = (uint32_t)right_shifts[below(g, 4)] << 6 | amount, funct3 = 5; break;
    case 3: immediate = below(g, 2) ? 0x287 : 0x6b8, funct3 = 5; break;
    case 4: immediate = below(g, 4096), funct3 = 0, opcode = 0x1b; break;
    case 5: /* clzw, cpopw; QEMU 7.2 gets ctzw of a zero word wrong */
        immediate = 0x600 + 2 * below(g, 2), funct3 = 1, opcode = 0x1b;
        break;
    case 6:
        immediate = below(g, 2) ? amount & 31 : 0x080 | amount, funct3 = 1, opcode = 0x1b;
        break;
    case 7: immediate = word_shifts[below(g, 3)] | (amount & 31), funct3 = 5, opcode = 0x1b; break;
    case 8: /* lui, auipc */
        emit(g, (uint32_t)next_random(g) << 12 | rd << 7 | (below(g, 2) ? 0x37 : 0x17));
        return;
    default: {
        static const uint8_t plain[] = {0, 2, 3, 4, 6, 7};
        immediate = below(g, 4096), funct3 = plain[below(g, 6)];
        break;
    }
    }
    emit(g, immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode);
}

static void memory_operation(struct generator *g)
{
    static const uint8_t bases[] = {2, 3, 8};
    uint32_t base = bases[below(g, 3)];
    uint32_t offset = (below(g, SCRATCH_SIZE - 16) - (SCRATCH_SIZE / 2 - 8)) & 0xfff;
    uint32_t low = offset & 31, high = offset >> 5;

    switch (below(g, 6)) {
    case 0:
    case 1:
        emit(g, offset << 20 | base << 15 | below(g, 7) << 12 | destination(g) << 7 | 0x03);
        break;
    case 2:
    case 3: emit(g, r_type(high, source(g), base, below(g, 4), low, 0x23)); break;
    case 4:
        emit(g, offset << 20 | base << 15 | (2 + below(g, 2)) << 12 | source(g) << 7 | 0x07);
        break;
    default: emit(g, r_type(high, source(g), base, 2 + below(g, 2), low, 0x27)); break;
    }
}

static void atomic_operation(struct generator *g)
{
    static const uint8_t functions[] = {0x00, 0x01, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c};
    uint32_t width = 2 + below(g, 2);
    uint32_t order = below(g, 4);

    if (below(g, 3) == 0) { /* lr, perhaps a store between, sc */
        emit(g, r_type(0x02 << 2 | order, 0, 8, width, destination(g), 0x2f));
        if (below(g, 3) == 0) {
            emit(g, r_type(0, source(g), 8, below(g, 4), 0, 0x23));
        }
        if (below(g, 6) != 0) {
            emit(g, r_type(0x03 << 2 | order, source(g), 8, width, destination(g), 0x2f));
        }
    } else {
        emit(g, r_type((uint32_t)functions[below(g, 9)] << 2 | order, source(g), 8, width,
                       destination(g), 0x2f));
    }
}

static uint32_t rounding_mode(struct generator *g)
{
    uint32_t mode = below(g, 8);
    return mode > 4 ? 7 : mode;
}

static void float_operation(struct generator *g)
{
    uint32_t format = below(g, 2);
    uint32_t rs1 = source(g), rs2 = source(g), rd = source(g);

    switch (below(g, 14)) {
    case 0:
    case 1:
    case 2:
    case 3: /* fadd, fsub, fmul, fdiv */
        emit(g, r_type(below(g, 4) << 2 | format, rs2, rs1, rounding_mode(g), rd, 0x53));
        break;
    case 4: emit(g, r_type(0x2c | format, 0, rs1, rounding_mode(g), rd, 0x53)); break;
    case 5:
    case 6:
    case 7: /* fused */
        emit(g, r_type(source(g) << 2 | format, rs2, rs1, rounding_mode(g), rd,
                       0x43 | below(g, 4) << 2));
        break;
    case 8: emit(g, r_type(0x10 | format, rs2, rs1, below(g, 3), rd, 0x53)); break;
    case 9: emit(g, r_type(0x14 | format, rs2, rs1, below(g, 2), rd, 0x53)); break;
    case 10: emit(g, r_type(0x50 | format, rs2, rs1, below(g, 3), destination(g), 0x53)); break;
    case 11: /* to and from integers */
        if (below(g, 2)) {
            emit(g,
                 r_type(0x60 | format, below(g, 4), rs1, rounding_mode(g), destination(g), 0x53));
        } else {
            emit(g, r_type(0x68 | format, below(g, 4), rs1, rounding_mode(g), rd, 0x53));
        }
        break;
    case 12: /* between formats */
        emit(g, r_type(0x20 | format, !format, rs1, rounding_mode(g), rd, 0x53));
        break;
    default: /* moves, class */
        if (below(g, 2)) {
            emit(g, r_type(0x70 | format, 0, rs1, below(g, 2), destination(g), 0x53));
        } else {
            emit(g, r_type(0x78 | format, 0, rs1, 0, rd, 0x53));
        }
        break;
    }
}

static void control_status_operation(struct generator *g)
{
    uint32_t rd = destination(g);

    switch (below(g, 4)) {
    case 0: emit(g, 0x00205073 | below(g, 5) << 15 | rd << 7); break; /* csrrwi frm */
    case 1: emit(g, 0x00102073 | source(g) << 15 | rd << 7); break;   /* csrrs fflags */
    case 2: emit(g, 0x00103073 | source(g) << 15 | rd << 7); break;   /* csrrc fflags */
    default: emit(g, 0x00302073 | rd << 7); break;                    /* csrr fcsr */
    }
}

static void compressed_operation(struct generator *g)
{
    uint32_t rd = destination(g), rs2 = 1 + below(g, 31);
    uint32_t short_rd = short_destination(g), short_rs = below(g, 8);
    uint32_t immediate = below(g, 64);
    uint32_t high = (immediate >> 5) << 12, low = (immediate & 31) << 2;

    if (rd == 0) {
        rd = 1;
    }
    switch (below(g, 20)) {
    case 0: /* c.addi4spn */ emit_16(g, (1 + below(g, 255)) << 5 | short_rd << 2); break;
    case 1: emit_16(g, 0x0001 | high | rd << 7 | low); break;       /* c.addi */
    case 2: emit_16(g, 0x2001 | high | rd << 7 | low); break;       /* c.addiw */
    case 3: emit_16(g, 0x4001 | high | rd << 7 | low); break;       /* c.li */
    case 4: emit_16(g, 0x6001 | high | rd << 7 | (low | 4)); break; /* c.lui */
    case 5: emit_16(g, 0x8001 | high | short_rd << 7 | low); break; /* c.srli */
    case 6: emit_16(g, 0x8401 | high | short_rd << 7 | low); break; /* c.srai */
    case 7: emit_16(g, 0x8801 | high | short_rd << 7 | low); break; /* c.andi */
    case 8:                                                         /* c.sub, c.xor, c.or, c.and */
        emit_16(g, 0x8c01 | short_rd << 7 | below(g, 4) << 5 | short_rs << 2);
        break;
    case 9: emit_16(g, 0x9c01 | short_rd << 7 | below(g, 2) << 5 | short_rs << 2); break;
    case 10: emit_16(g, 0x0002 | high | rd << 7 | low); break; /* c.slli */
    case 11: emit_16(g, 0x8002 | rd << 7 | rs2 << 2); break;   /* c.mv */
    case 12: emit_16(g, 0x9002 | rd << 7 | rs2 << 2); break;   /* c.add */
    case 13:                                                   /* c.fld, c.lw, c.ld from x8 */
        emit_16(g, (1 + below(g, 3)) << 13 | below(g, 8) << 10 | below(g, 4) << 5 | short_rd << 2);
        break;
    case 14: /* c.fsd, c.sw, c.sd */
        emit_16(g, (5 + below(g, 3)) << 13 | below(g, 8) << 10 | below(g, 4) << 5 | short_rs << 2);
        break;
    case 15: /* c.fldsp */ emit_16(g, 0x2002 | high | source(g) << 7 | low); break;
    case 16: /* c.lwsp, c.ldsp */
        emit_16(g, (2 + below(g, 2)) << 13 | 2 | high | rd << 7 | low);
        break;
    case 17:
    case 18: /* c.fsdsp, c.swsp, c.sdsp */
        emit_16(g, (5 + below(g, 3)) << 13 | 2 | immediate << 7 | source(g) << 2);
        break;
    default: emit_16(g, 0x0001); break; /* c.nop */
    }
}

static void one_step(struct generator *g);

/* A branch or jump over the next step. */
static void branch(struct generator *g)
{
    static const uint8_t functions[] = {0, 1, 4, 5, 6, 7};
    unsigned place = g->used;
    unsigned kind = below(g, 5);
    uint32_t rs1 = source(g), rs2 = source(g), rd = destination(g);
    uint32_t function = functions[below(g, 6)];
    uint32_t short_rs = below(g, 8);
    bool compressed = kind == 3 || kind == 4;
    unsigned end;
    uint32_t distance;

    g->used += compressed ? 2 : 4;
    one_step(g);
    end = g->used;
    distance = end - place;
    g->used = place;
    switch (kind) {
    case 0:
    case 1: emit(g, r_type(distance >> 5 & 0x3f, rs2, rs1, function, distance & 0x1e, 0x63)); break;
    case 2: emit(g, (distance & 0x7fe) << 20 | rd << 7 | 0x6f); break; /* jal */
    case 3: /* c.beqz, c.bnez; distances up to 30 */
        emit_16(g, (6 + (function & 1)) << 13 | 1 | (distance >> 3 & 3) << 10 | short_rs << 7 |
                       (distance >> 1 & 3) << 3);
        break;
    default: /* c.j */
        emit_16(g, 0xa001 | (distance >> 4 & 1) << 11 | (distance >> 1 & 7) << 3);
        break;
    }
    g->used = end;
}

static void one_step(struct generator *g)
{
    switch (below(g, 16)) {
    case 0:
    case 1:
    case 2: register_operation(g); break;
    case 3:
    case 4: immediate_operation(g); break;
    case 5:
    case 6: memory_operation(g); break;
    case 7: atomic_operation(g); break;
    case 8:
    case 9:
    case 10:
    case 11: float_operation(g); break;
    case 12: control_status_operation(g); break;
    default: compressed_operation(g); break;
    }
}

void generate_case(struct test_case *out, uint64_t seed, unsigned length)
{
    struct generator g = {.random = seed, .code = out->code};
    uint32_t distance;

    memset(out, 0, sizeof *out);
    for (unsigned i = 1; i < 32; i++) {
        out->context.x[i] = integer_value(&g);
        out->context.f[i] = float_value(&g);
    }
    out->context.f[0] = float_value(&g);
    out->context.x[2] = SCRATCH_BASE;
    out->context.x[3] = SCRATCH_BASE;
    out->context.x[8] = SCRATCH_BASE;
    out->context.x[4] = REGION_START + CONTEXT_OFFSET;
    out->context.fcsr = below(&g, 5) << 5 | (below(&g, 2) ? 0 : below(&g, 32));
    for (unsigned i = 0; i < SCRATCH_SIZE; i += 8) {
        uint64_t value = below(&g, 2) ? integer_value(&g) : float_value(&g);
        memcpy(out->scratch + i, &value, sizeof value);
    }
    for (unsigned i = 0; i < length; i++) {
        if (below(&g, 8) == 0) {
            branch(&g);
        } else {
            one_step(&g);
        }
    }
    distance = STUB_OFFSET + STUB_EXIT - (CODE_OFFSET + g.used);
    emit(&g, (distance >> 20 & 1) << 31 | (distance >> 1 & 0x3ff) << 21 |
                 (distance >> 11 & 1) << 20 | (distance >> 12 & 0xff) << 12 | 0x6f);
}
