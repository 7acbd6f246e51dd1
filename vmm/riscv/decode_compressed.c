/* The C extension (unprivileged specification, chapter 16, RV64 column of the tables). */
#include "vmm/riscv/decode.h"

static unsigned field(uint16_t bits, unsigned low, unsigned width)
{
    return (unsigned)bits >> low & ((1u << width) - 1);
}

static int32_t sign_extend(unsigned value, unsigned width)
{
    return (int32_t)(value << (32 - width)) >> (32 - width);
}

/* The three-bit register fields name x8..x15. */
static uint8_t short_register(uint16_t bits, unsigned low)
{
    return (uint8_t)(8 + field(bits, low, 3));
}

static void set(struct op *op, enum op_code code, unsigned rd, unsigned rs1, unsigned rs2)
{
    op->code = (uint16_t)code;
    op->rd = (uint8_t)rd;
    op->rs1 = (uint8_t)rs1;
    op->rs2 = (uint8_t)rs2;
}

/* As set(), for results in an x register: a hint (rd = x0) does nothing. */
static void set_x(struct op *op, enum op_code code, unsigned rd, unsigned rs1, unsigned rs2)
{
    set(op, rd == 0 ? OP_NOP : code, rd, rs1, rs2);
}

static unsigned offset_w(uint16_t bits)
{
    return field(bits, 10, 3) << 3 | field(bits, 6, 1) << 2 | field(bits, 5, 1) << 6;
}

static unsigned offset_d(uint16_t bits)
{
    return field(bits, 10, 3) << 3 | field(bits, 5, 2) << 6;
}

static int32_t immediate_6(uint16_t bits)
{
    return sign_extend(field(bits, 12, 1) << 5 | field(bits, 2, 5), 6);
}

static void decode_quadrant_0(uint16_t bits, struct op *op)
{
    uint8_t low = short_register(bits, 2);
    uint8_t base = short_register(bits, 7);

    switch (field(bits, 13, 3)) {
    case 0: /* c.addi4spn */
        op->imm = (int32_t)(field(bits, 7, 4) << 6 | field(bits, 11, 2) << 4 |
                            field(bits, 5, 1) << 3 | field(bits, 6, 1) << 2);
        if (op->imm != 0) {
            set(op, OP_ADDI, low, 2, 0);
        }
        break;
    case 1:
        op->imm = (int32_t)offset_d(bits);
        set(op, OP_FLD, low, base, 0);
        break;
    case 2:
        op->imm = (int32_t)offset_w(bits);
        set(op, OP_LW, low, base, 0);
        break;
    case 3:
        op->imm = (int32_t)offset_d(bits);
        set(op, OP_LD, low, base, 0);
        break;
    case 5:
        op->imm = (int32_t)offset_d(bits);
        set(op, OP_FSD, 0, base, low);
        break;
    case 6:
        op->imm = (int32_t)offset_w(bits);
        set(op, OP_SW, 0, base, low);
        break;
    case 7:
        op->imm = (int32_t)offset_d(bits);
        set(op, OP_SD, 0, base, low);
        break;
    default: break;
    }
}

static void decode_arithmetic(uint16_t bits, struct op *op)
{
    static const uint16_t codes[8] = {OP_SUB,  OP_XOR,  OP_OR,      OP_AND,
                                      OP_SUBW, OP_ADDW, OP_ILLEGAL, OP_ILLEGAL};
    uint8_t rd = short_register(bits, 7);
    unsigned shift = field(bits, 12, 1) << 5 | field(bits, 2, 5);

    switch (field(bits, 10, 2)) {
    case 0: set(op, OP_SRLI, rd, rd, shift); break;
    case 1: set(op, OP_SRAI, rd, rd, shift); break;
    case 2:
        op->imm = immediate_6(bits);
        set(op, OP_ANDI, rd, rd, 0);
        break;
    default:
        set(op, codes[field(bits, 12, 1) << 2 | field(bits, 5, 2)], rd, rd,
            short_register(bits, 2));
        break;
    }
}

static void decode_branch_or_jump(uint16_t bits, struct op *op)
{
    unsigned funct3 = field(bits, 13, 3);

    if (funct3 == 5) { /* c.j */
        op->imm = sign_extend(field(bits, 12, 1) << 11 | field(bits, 11, 1) << 4 |
                                  field(bits, 9, 2) << 8 | field(bits, 8, 1) << 10 |
                                  field(bits, 7, 1) << 6 | field(bits, 6, 1) << 7 |
                                  field(bits, 3, 3) << 1 | field(bits, 2, 1) << 5,
                              12);
        set(op, OP_J, 0, 0, 2);
    } else {
        op->imm =
            sign_extend(field(bits, 12, 1) << 8 | field(bits, 10, 2) << 3 | field(bits, 5, 2) << 6 |
                            field(bits, 3, 2) << 1 | field(bits, 2, 1) << 5,
                        9);
        set(op, funct3 == 6 ? OP_BEQ : OP_BNE, 0, short_register(bits, 7), 0);
    }
    op->link = 0;
}

static void decode_quadrant_1(uint16_t bits, struct op *op)
{
    unsigned rd = field(bits, 7, 5);

    switch (field(bits, 13, 3)) {
    case 0: /* c.addi, c.nop */
        op->imm = immediate_6(bits);
        set_x(op, OP_ADDI, rd, rd, 0);
        break;
    case 1: /* c.addiw; rd = x0 is reserved */
        op->imm = immediate_6(bits);
        if (rd != 0) {
            set(op, OP_ADDIW, rd, rd, 0);
        }
        break;
    case 2: /* c.li */
        op->imm = immediate_6(bits);
        set_x(op, OP_LI, rd, 0, 0);
        break;
    case 3:
        if (rd == 2) { /* c.addi16sp */
            op->imm = sign_extend(field(bits, 12, 1) << 9 | field(bits, 6, 1) << 4 |
                                      field(bits, 5, 1) << 6 | field(bits, 3, 2) << 7 |
                                      field(bits, 2, 1) << 5,
                                  10);
            if (op->imm != 0) {
                set(op, OP_ADDI, 2, 2, 0);
            }
        } else { /* c.lui */
            op->imm = (int32_t)((uint32_t)immediate_6(bits) << 12);
            if (op->imm != 0) {
                set_x(op, OP_LI, rd, 0, 0);
            }
        }
        break;
    case 4: decode_arithmetic(bits, op); break;
    default: decode_branch_or_jump(bits, op); break;
    }
}

static void decode_jump_move_add(uint16_t bits, struct op *op)
{
    unsigned rd = field(bits, 7, 5);
    unsigned rs2 = field(bits, 2, 5);

    if (field(bits, 12, 1) == 0) {
        if (rs2 != 0) {
            set_x(op, OP_MV, rd, rs2, 0);
        } else if (rd != 0) {
            set(op, OP_JR, 0, rd, 0);
        }
    } else if (rs2 != 0) {
        set_x(op, OP_ADD, rd, rd, rs2);
    } else if (rd != 0) {
        set(op, OP_JALR, 1, rd, 0);
    } else {
        set(op, OP_EBREAK, 0, 0, 0);
    }
}

static void decode_quadrant_2(uint16_t bits, struct op *op)
{
    unsigned rd = field(bits, 7, 5);
    unsigned rs2 = field(bits, 2, 5);
    unsigned load_w = field(bits, 12, 1) << 5 | field(bits, 4, 3) << 2 | field(bits, 2, 2) << 6;
    unsigned load_d = field(bits, 12, 1) << 5 | field(bits, 5, 2) << 3 | field(bits, 2, 3) << 6;
    unsigned store_w = field(bits, 9, 4) << 2 | field(bits, 7, 2) << 6;
    unsigned store_d = field(bits, 10, 3) << 3 | field(bits, 7, 3) << 6;

    switch (field(bits, 13, 3)) {
    case 0: set_x(op, OP_SLLI, rd, rd, field(bits, 12, 1) << 5 | rs2); break;
    case 1:
        op->imm = (int32_t)load_d;
        set(op, OP_FLD, rd, 2, 0);
        break;
    case 2: /* c.lwsp; rd = x0 is reserved */
        op->imm = (int32_t)load_w;
        if (rd != 0) {
            set(op, OP_LW, rd, 2, 0);
        }
        break;
    case 3:
        op->imm = (int32_t)load_d;
        if (rd != 0) {
            set(op, OP_LD, rd, 2, 0);
        }
        break;
    case 4: decode_jump_move_add(bits, op); break;
    case 5:
        op->imm = (int32_t)store_d;
        set(op, OP_FSD, 0, 2, rs2);
        break;
    case 6:
        op->imm = (int32_t)store_w;
        set(op, OP_SW, 0, 2, rs2);
        break;
    default:
        op->imm = (int32_t)store_d;
        set(op, OP_SD, 0, 2, rs2);
        break;
    }
}

void decode_compressed(uint16_t bits, struct op *op)
{
    *op = (struct op){.code = OP_ILLEGAL, .raw = bits};
    switch (bits & 3) {
    case 0: decode_quadrant_0(bits, op); break;
    case 1: decode_quadrant_1(bits, op); break;
    default: decode_quadrant_2(bits, op); break;
    }
}
