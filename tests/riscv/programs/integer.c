/* Integer instructions of RV64I, M, Zba, Zbb, Zbs and C. */
#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/values.h"

void operation_register(struct emitter *e)
{
    static const struct {
        uint8_t funct7, funct3s, opcode; /* funct3s: a bit for each that exists */
    } groups[] = {{0x00, 0xff, 0x33}, {0x20, 0xf1, 0x33}, {0x01, 0xff, 0x33}, {0x05, 0xf0, 0x33},
                  {0x10, 0x54, 0x33}, {0x24, 0x22, 0x33}, {0x30, 0x22, 0x33}, {0x34, 0x02, 0x33},
                  {0x14, 0x02, 0x33}, {0x00, 0x23, 0x3b}, {0x01, 0xf1, 0x3b}, {0x20, 0x21, 0x3b},
                  {0x10, 0x54, 0x3b}, {0x30, 0x22, 0x3b}, {0x04, 0x01, 0x3b}};
    unsigned group = choose(e->choices, sizeof groups / sizeof *groups);
    uint32_t funct3 = choose(e->choices, 8);

    while ((groups[group].funct3s >> funct3 & 1) == 0) {
        funct3 = (funct3 + 1) % 8;
    }
    emit(e, rv_r(groups[group].funct7, source(e), source(e), funct3, destination(e),
                 groups[group].opcode));
}

void operation_immediate(struct emitter *e)
{
    static const uint16_t unary[] = {0x600, 0x601, 0x602, 0x604, 0x605};
    static const uint8_t shifts[] = {0x00, 0x0a, 0x12, 0x1a}; /* funct6 with funct3 1 */
    static const uint8_t right_shifts[] = {0x00, 0x10, 0x12, 0x18};
    static const uint16_t word_shifts[] = {0x000, 0x400, 0x600};
    static const uint8_t plain[] = {0, 2, 3, 4, 6, 7};
    uint32_t rd = destination(e);
    uint32_t rs1 = source(e);
    uint32_t amount = choose(e->choices, 64);
    uint32_t immediate = 0, funct3 = 0, opcode = 0x13;

    switch (choose(e->choices, 12)) {
    case 0: immediate = CHOOSE_FROM(e->choices, unary), funct3 = 1; break;
    case 1: immediate = (uint32_t)CHOOSE_FROM(e->choices, shifts) << 6 | amount, funct3 = 1; break;
    case 2:
        immediate = (uint32_t)CHOOSE_FROM(e->choices, right_shifts) << 6 | amount, funct3 = 5;
        break;
    case 3: immediate = choose(e->choices, 2) ? 0x287 : 0x6b8, funct3 = 5; break;
    case 4: immediate = choose(e->choices, 4096), funct3 = 0, opcode = 0x1b; break;
    case 5: /* clzw, cpopw, ctzw; QEMU 7.2 gets ctzw of a zero word wrong */
        immediate = 0x600 + (e->tame ? 2 * choose(e->choices, 2) : choose(e->choices, 3));
        funct3 = 1, opcode = 0x1b;
        break;
    case 9: /* zext.h */ emit(e, rv_r(0x04, 0, rs1, 4, rd, 0x3b)); return;
    case 6:
        immediate = choose(e->choices, 2) ? amount & 31 : 0x080 | amount, funct3 = 1, opcode = 0x1b;
        break;
    case 7:
        immediate = CHOOSE_FROM(e->choices, word_shifts) | (amount & 31), funct3 = 5, opcode = 0x1b;
        break;
    case 8:
        emit(e, (uint32_t)choose_bits(e->choices) << 12 | rd << 7 |
                    (choose(e->choices, 2) ? 0x37 : 0x17));
        return;
    default: immediate = choose(e->choices, 4096), funct3 = CHOOSE_FROM(e->choices, plain); break;
    }
    emit(e, rv_i((int32_t)immediate, rs1, funct3, rd, opcode));
}

void operation_constant(struct emitter *e)
{
    uint32_t rd = destination(e), other = destination(e);
    uint32_t value = (uint32_t)value_integer(e->choices);
    int32_t low = (int32_t)(value << 20) >> 20;

    switch (choose(e->choices, 7)) {
    case 0: emit_constant(e, rd, value); break;
    case 1:
        emit(e, rv_lui(rd, value));
        emit(e, rv_addi(rd, rd, low));
        break;
    case 2:
        emit(e, rv_auipc(rd, value));
        emit(e, rv_addi(rd, rd, low));
        break;
    case 6: /* as far as it goes */
        emit(e, rv_auipc(rd, 0x7ffff000));
        emit(e, rv_addi(rd, rd, 0x7ff));
        break;
    case 3: /* the first result is still needed */
        emit(e, choose(e->choices, 2) ? rv_lui(rd, value) : rv_auipc(rd, value));
        emit(e, rv_addi(other, rd, low));
        break;
    case 4: /* li rd, 64 bits */
        emit_constant(e, rd, value);
        emit(e, rv_slli(rd, rd, 12 + (int32_t)choose(e->choices, 20)));
        emit(e, rv_addi(rd, rd, low));
        break;
    default: /* zero extension, and a condition as a value */
        emit(e, rv_slli(rd, other, 32));
        emit(e, rv_srli(rd, rd, 32 - (int32_t)choose(e->choices, 4)));
        emit(e, rv_sltiu(other, rd, 1));
        break;
    }
}

/* Of the load and store forms; the others are in operation_compressed(). */
static void compressed_memory(struct emitter *e)
{
    uint32_t rd = nonzero_destination(e), any = source(e);
    uint32_t short_rd = short_destination(e) - S0, short_rs = choose(e->choices, 8);
    uint32_t immediate = choose(e->choices, 64);
    uint32_t high = (immediate >> 5) << 12, low = (immediate & 31) << 2;
    uint32_t offsets = choose(e->choices, 8) << 10 | choose(e->choices, 4) << 5;

    switch (choose(e->choices, 5)) {
    case 0: /* c.fld, c.lw, c.ld from x8 */
        emit_16(e, (1 + choose(e->choices, 3)) << 13 | offsets | short_rd << 2);
        break;
    case 1: /* c.fsd, c.sw, c.sd */
        emit_16(e, (5 + choose(e->choices, 3)) << 13 | offsets | short_rs << 2);
        break;
    case 2: /* c.fldsp */ emit_16(e, 0x2002 | high | any << 7 | low); break;
    case 3: /* c.lwsp, c.ldsp */
        emit_16(e, (2 + choose(e->choices, 2)) << 13 | 2 | high | rd << 7 | low);
        break;
    default: /* c.fsdsp, c.swsp, c.sdsp */
        emit_16(e, (5 + choose(e->choices, 3)) << 13 | 2 | immediate << 7 | any << 2);
        break;
    }
}

void operation_compressed(struct emitter *e)
{
    uint32_t rd = nonzero_destination(e), rs2 = 1 + choose(e->choices, 31);
    uint32_t short_rd = short_destination(e) - S0, short_rs = choose(e->choices, 8);
    uint32_t immediate = choose(e->choices, 64);
    uint32_t high = (immediate >> 5) << 12, low = (immediate & 31) << 2;

    switch (choose(e->choices, 20)) {
    case 0: /* c.addi4spn */ emit_16(e, (1 + choose(e->choices, 255)) << 5 | short_rd << 2); break;
    case 1: emit_16(e, 0x0001 | high | rd << 7 | low); break;       /* c.addi */
    case 2: emit_16(e, 0x2001 | high | rd << 7 | low); break;       /* c.addiw */
    case 3: emit_16(e, 0x4001 | high | rd << 7 | low); break;       /* c.li */
    case 4: emit_16(e, 0x6001 | high | rd << 7 | (low | 4)); break; /* c.lui */
    case 5: emit_16(e, 0x8001 | high | short_rd << 7 | low); break; /* c.srli */
    case 6: emit_16(e, 0x8401 | high | short_rd << 7 | low); break; /* c.srai */
    case 7: emit_16(e, 0x8801 | high | short_rd << 7 | low); break; /* c.andi */
    case 8:                                                         /* c.sub, c.xor, c.or, c.and */
        emit_16(e, 0x8c01 | short_rd << 7 | choose(e->choices, 4) << 5 | short_rs << 2);
        break;
    case 9: /* c.subw, c.addw */
        emit_16(e, 0x9c01 | short_rd << 7 | choose(e->choices, 2) << 5 | short_rs << 2);
        break;
    case 10: emit_16(e, 0x0002 | high | rd << 7 | low); break; /* c.slli */
    case 11: emit_16(e, 0x8002 | rd << 7 | rs2 << 2); break;   /* c.mv */
    case 12: emit_16(e, 0x9002 | rd << 7 | rs2 << 2); break;   /* c.add */
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18: compressed_memory(e); break;
    default: /* c.addi16sp, c.nop */
        emit_16(e, e->tame || immediate == 0 ? RV_C_NOP : 0x6101 | high | low);
        break;
    }
}
