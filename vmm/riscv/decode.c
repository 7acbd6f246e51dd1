#include "vmm/riscv/decode.h"

/* Fields of the 32-bit formats: unprivileged specification, chapter 2.2 and 2.3. */
static unsigned field(uint32_t bits, unsigned low, unsigned width)
{
    return bits >> low & ((1u << width) - 1);
}

static int32_t immediate_i(uint32_t bits)
{
    return (int32_t)bits >> 20;
}

static int32_t immediate_s(uint32_t bits)
{
    return (int32_t)((uint32_t)((int32_t)bits >> 25) << 5 | field(bits, 7, 5));
}

static int32_t immediate_b(uint32_t bits)
{
    return (int32_t)((uint32_t)((int32_t)bits >> 31) << 12 | field(bits, 7, 1) << 11 |
                     field(bits, 25, 6) << 5 | field(bits, 8, 4) << 1);
}

static int32_t immediate_j(uint32_t bits)
{
    return (int32_t)((uint32_t)((int32_t)bits >> 31) << 20 | field(bits, 12, 8) << 12 |
                     field(bits, 20, 1) << 11 | field(bits, 21, 10) << 1);
}

/* Codes by funct3, OP_ILLEGAL where there is none. */
static enum op_code by_funct3(uint32_t bits, const uint16_t codes[8])
{
    return (enum op_code)codes[field(bits, 12, 3)];
}

#define NONE OP_ILLEGAL

static void write_x(struct op *op, enum op_code code)
{
    op->code = (uint16_t)code;
    if (op->rd == 0) {
        op->rd = OP_SINK_REGISTER;
    }
}

/* A computation without side effects whose result nobody reads is a NOP. */
static void compute_x(struct op *op, enum op_code code)
{
    op->code = (uint16_t)(op->rd == 0 ? OP_NOP : code);
}

static void decode_op_imm(uint32_t bits, struct op *op)
{
    static const uint16_t codes[8] = {OP_ADDI, NONE, OP_SLTI, OP_SLTIU,
                                      OP_XORI, NONE, OP_ORI,  OP_ANDI};
    unsigned funct6 = bits >> 26;
    enum op_code code = by_funct3(bits, codes);

    op->imm = immediate_i(bits);
    op->rs2 = (uint8_t)field(bits, 20, 6);
    switch (field(bits, 12, 3)) {
    case 0:
        if (op->rs1 == 0) {
            code = OP_LI;
        } else if (op->imm == 0) {
            code = OP_MV;
        }
        break;
    case 1:
        switch (funct6) {
        case 0x00: code = OP_SLLI; break;
        case 0x0a: code = OP_BSETI; break;
        case 0x12: code = OP_BCLRI; break;
        case 0x1a: code = OP_BINVI; break;
        case 0x18: {
            static const uint16_t unary[8] = {OP_CLZ,    OP_CTZ,    OP_CPOP, NONE,
                                              OP_SEXT_B, OP_SEXT_H, NONE,    NONE};
            code = op->rs2 < 8 ? (enum op_code)unary[op->rs2] : NONE;
            break;
        }
        default: break;
        }
        break;
    case 5:
        switch (funct6) {
        case 0x00: code = OP_SRLI; break;
        case 0x10: code = OP_SRAI; break;
        case 0x12: code = OP_BEXTI; break;
        case 0x18: code = OP_RORI; break;
        default:
            if (bits >> 20 == 0x287) {
                code = OP_ORC_B;
            } else if (bits >> 20 == 0x6b8) {
                code = OP_REV8;
            }
            break;
        }
        break;
    default: break;
    }
    if (code != OP_ILLEGAL) {
        compute_x(op, code);
    }
}

static void decode_op_imm_32(uint32_t bits, struct op *op)
{
    enum op_code code = OP_ILLEGAL;
    unsigned funct7 = bits >> 25;

    op->imm = immediate_i(bits);
    op->rs2 = (uint8_t)field(bits, 20, 5);
    switch (field(bits, 12, 3)) {
    case 0: code = OP_ADDIW; break;
    case 1:
        if (funct7 == 0x00) {
            code = OP_SLLIW;
        } else if (bits >> 26 == 0x02) {
            op->rs2 = (uint8_t)field(bits, 20, 6);
            code = OP_SLLI_UW;
        } else if (funct7 == 0x30) {
            static const uint16_t unary[4] = {OP_CLZW, OP_CTZW, OP_CPOPW, NONE};
            code = op->rs2 < 4 ? (enum op_code)unary[op->rs2] : NONE;
        }
        break;
    case 5:
        if (funct7 == 0x00) {
            code = OP_SRLIW;
        } else if (funct7 == 0x20) {
            code = OP_SRAIW;
        } else if (funct7 == 0x30) {
            code = OP_RORIW;
        }
        break;
    default: break;
    }
    if (code != OP_ILLEGAL) {
        compute_x(op, code);
    }
}

static void decode_op(uint32_t bits, struct op *op)
{
    static const uint16_t base[8] = {OP_ADD, OP_SLL, OP_SLT, OP_SLTU,
                                     OP_XOR, OP_SRL, OP_OR,  OP_AND};
    static const uint16_t muldiv[8] = {OP_MUL, OP_MULH, OP_MULHSU, OP_MULHU,
                                       OP_DIV, OP_DIVU, OP_REM,    OP_REMU};
    static const uint16_t subtract[8] = {OP_SUB,  NONE,   NONE,   NONE,
                                         OP_XNOR, OP_SRA, OP_ORN, OP_ANDN};
    static const uint16_t minmax[8] = {NONE, NONE, NONE, NONE, OP_MIN, OP_MINU, OP_MAX, OP_MAXU};
    static const uint16_t shift_add[8] = {NONE,      NONE, OP_SH1ADD, NONE,
                                          OP_SH2ADD, NONE, OP_SH3ADD, NONE};
    static const uint16_t clear[8] = {NONE, OP_BCLR, NONE, NONE, NONE, OP_BEXT, NONE, NONE};
    static const uint16_t rotate[8] = {NONE, OP_ROL, NONE, NONE, NONE, OP_ROR, NONE, NONE};
    static const uint16_t invert[8] = {NONE, OP_BINV, NONE, NONE, NONE, NONE, NONE, NONE};
    static const uint16_t set[8] = {NONE, OP_BSET, NONE, NONE, NONE, NONE, NONE, NONE};
    enum op_code code = OP_ILLEGAL;

    switch (bits >> 25) {
    case 0x00: code = by_funct3(bits, base); break;
    case 0x01: code = by_funct3(bits, muldiv); break;
    case 0x20: code = by_funct3(bits, subtract); break;
    case 0x05: code = by_funct3(bits, minmax); break;
    case 0x10: code = by_funct3(bits, shift_add); break;
    case 0x24: code = by_funct3(bits, clear); break;
    case 0x30: code = by_funct3(bits, rotate); break;
    case 0x34: code = by_funct3(bits, invert); break;
    case 0x14: code = by_funct3(bits, set); break;
    default: break;
    }
    if (code != OP_ILLEGAL) {
        compute_x(op, code);
    }
}

static void decode_op_32(uint32_t bits, struct op *op)
{
    static const uint16_t base[8] = {OP_ADDW, OP_SLLW, NONE, NONE, NONE, OP_SRLW, NONE, NONE};
    static const uint16_t muldiv[8] = {OP_MULW, NONE,     NONE,    NONE,
                                       OP_DIVW, OP_DIVUW, OP_REMW, OP_REMUW};
    static const uint16_t subtract[8] = {OP_SUBW, NONE, NONE, NONE, NONE, OP_SRAW, NONE, NONE};
    static const uint16_t shift_add[8] = {NONE,         NONE, OP_SH1ADD_UW, NONE,
                                          OP_SH2ADD_UW, NONE, OP_SH3ADD_UW, NONE};
    static const uint16_t rotate[8] = {NONE, OP_ROLW, NONE, NONE, NONE, OP_RORW, NONE, NONE};
    enum op_code code = OP_ILLEGAL;

    switch (bits >> 25) {
    case 0x00: code = by_funct3(bits, base); break;
    case 0x01: code = by_funct3(bits, muldiv); break;
    case 0x20: code = by_funct3(bits, subtract); break;
    case 0x10: code = by_funct3(bits, shift_add); break;
    case 0x30: code = by_funct3(bits, rotate); break;
    case 0x04:
        if (field(bits, 12, 3) == 0) {
            code = OP_ADD_UW;
        } else if (field(bits, 12, 3) == 4 && op->rs2 == 0) {
            code = OP_ZEXT_H;
        }
        break;
    default: break;
    }
    if (code != OP_ILLEGAL) {
        compute_x(op, code);
    }
}

static void decode_load(uint32_t bits, struct op *op)
{
    static const uint16_t codes[8] = {OP_LB, OP_LH, OP_LW, OP_LD, OP_LBU, OP_LHU, OP_LWU, NONE};
    enum op_code code = by_funct3(bits, codes);

    op->imm = immediate_i(bits);
    if (code != OP_ILLEGAL) {
        write_x(op, code);
    }
}

static void decode_store(uint32_t bits, struct op *op)
{
    static const uint16_t codes[8] = {OP_SB, OP_SH, OP_SW, OP_SD, NONE, NONE, NONE, NONE};

    op->imm = immediate_s(bits);
    op->code = (uint16_t)by_funct3(bits, codes);
}

static void decode_float_load(uint32_t bits, struct op *op)
{
    static const uint16_t codes[8] = {NONE, NONE, OP_FLW, OP_FLD, NONE, NONE, NONE, NONE};

    op->imm = immediate_i(bits);
    op->code = (uint16_t)by_funct3(bits, codes);
}

static void decode_float_store(uint32_t bits, struct op *op)
{
    static const uint16_t codes[8] = {NONE, NONE, OP_FSW, OP_FSD, NONE, NONE, NONE, NONE};

    op->imm = immediate_s(bits);
    op->code = (uint16_t)by_funct3(bits, codes);
}

static void decode_branch(uint32_t bits, struct op *op)
{
    static const uint16_t codes[8] = {OP_BEQ, OP_BNE, NONE, NONE, OP_BLT, OP_BGE, OP_BLTU, OP_BGEU};
    enum op_code code = by_funct3(bits, codes);

    if (code != OP_ILLEGAL) {
        op->imm = immediate_b(bits);
        op->code = (uint16_t)code;
        op->link = 0;
    }
}

static void decode_amo(uint32_t bits, struct op *op)
{
    unsigned width = field(bits, 12, 3);
    bool doubleword = width == 3;
    enum op_code code = OP_ILLEGAL;

    if (width != 2 && width != 3) {
        return;
    }
    switch (bits >> 27) {
    case 0x02: code = op->rs2 != 0 ? OP_ILLEGAL : doubleword ? OP_LR_D : OP_LR_W; break;
    case 0x03: code = doubleword ? OP_SC_D : OP_SC_W; break;
    case 0x01: code = doubleword ? OP_AMOSWAP_D : OP_AMOSWAP_W; break;
    case 0x00: code = doubleword ? OP_AMOADD_D : OP_AMOADD_W; break;
    case 0x04: code = doubleword ? OP_AMOXOR_D : OP_AMOXOR_W; break;
    case 0x0c: code = doubleword ? OP_AMOAND_D : OP_AMOAND_W; break;
    case 0x08: code = doubleword ? OP_AMOOR_D : OP_AMOOR_W; break;
    case 0x10: code = doubleword ? OP_AMOMIN_D : OP_AMOMIN_W; break;
    case 0x14: code = doubleword ? OP_AMOMAX_D : OP_AMOMAX_W; break;
    case 0x18: code = doubleword ? OP_AMOMINU_D : OP_AMOMINU_W; break;
    case 0x1c: code = doubleword ? OP_AMOMAXU_D : OP_AMOMAXU_W; break;
    default: break;
    }
    if (code != OP_ILLEGAL) {
        write_x(op, code);
    }
}

/* Operations whose rm field is a rounding mode: 5 and 6 are reserved. */
static void rounded(struct op *op, enum op_code code, bool to_x)
{
    unsigned mode = op_rounding_mode(op);
    if (mode == 5 || mode == 6) {
        return;
    }
    if (to_x) {
        write_x(op, code);
    } else {
        op->code = (uint16_t)code;
    }
}

static void decode_float(uint32_t bits, struct op *op)
{
    /* The list of operations repeats in the same order for both formats. */
    unsigned format = field(bits, 25, 2);
    unsigned step = format * (OP_FADD_D - OP_FADD_S);
    unsigned funct3 = field(bits, 12, 3);

    if (format > 1) {
        return;
    }
    switch (bits >> 27) {
    case 0x00: rounded(op, OP_FADD_S + step, false); break;
    case 0x01: rounded(op, OP_FSUB_S + step, false); break;
    case 0x02: rounded(op, OP_FMUL_S + step, false); break;
    case 0x03: rounded(op, OP_FDIV_S + step, false); break;
    case 0x0b:
        if (op->rs2 == 0) {
            rounded(op, OP_FSQRT_S + step, false);
        }
        break;
    case 0x04:
        if (funct3 < 3) {
            op->code = (uint16_t)(OP_FSGNJ_S + step + funct3);
        }
        break;
    case 0x05:
        if (funct3 < 2) {
            op->code = (uint16_t)(OP_FMIN_S + step + funct3);
        }
        break;
    case 0x14:
        if (funct3 < 3) {
            static const uint16_t codes[3] = {OP_FLE_S, OP_FLT_S, OP_FEQ_S};
            write_x(op, codes[funct3] + step);
        }
        break;
    case 0x08: /* between formats: rs2 names the source */
        if (format == 0 && op->rs2 == 1) {
            rounded(op, OP_FCVT_S_D, false);
        } else if (format == 1 && op->rs2 == 0) {
            rounded(op, OP_FCVT_D_S, false);
        }
        break;
    case 0x18:
        if (op->rs2 < 4) {
            rounded(op, OP_FCVT_W_S + step + op->rs2, true);
        }
        break;
    case 0x1a:
        if (op->rs2 < 4) {
            rounded(op, OP_FCVT_S_W + step + op->rs2, false);
        }
        break;
    case 0x1c:
        if (op->rs2 == 0 && funct3 == 0) {
            write_x(op, OP_FMV_X_W + step);
        } else if (op->rs2 == 0 && funct3 == 1) {
            write_x(op, OP_FCLASS_S + step);
        }
        break;
    case 0x1e:
        if (op->rs2 == 0 && funct3 == 0) {
            op->code = (uint16_t)(OP_FMV_W_X + step);
        }
        break;
    default: break;
    }
}

static void decode_float_fused(uint32_t bits, struct op *op)
{
    unsigned format = field(bits, 25, 2);

    if (format <= 1) {
        op->rs3 = (uint8_t)(bits >> 27);
        rounded(op, OP_FMADD_S + format * (OP_FADD_D - OP_FADD_S) + field(bits, 2, 2), false);
    }
}

static void decode_system(uint32_t bits, struct op *op)
{
    if (field(bits, 12, 3) != 0) {
        if (field(bits, 12, 3) != 4) {
            write_x(op, OP_CSR);
        }
        return;
    }
    switch (bits) {
    case 0x00000073: op->code = OP_ECALL; return;
    case 0x00100073: op->code = OP_EBREAK; return;
    case 0x10200073: op->code = OP_SRET; return;
    case 0x10500073: op->code = OP_WFI; return;
    default: break;
    }
    if (bits >> 25 == 0x09 && field(bits, 7, 5) == 0) {
        op->code = OP_SFENCE_VMA;
    }
}

void decode_standard(uint32_t bits, struct op *op)
{
    *op = (struct op){.code = OP_ILLEGAL, .raw = bits};
    op->rd = (uint8_t)field(bits, 7, 5);
    op->rs1 = (uint8_t)field(bits, 15, 5);
    op->rs2 = (uint8_t)field(bits, 20, 5);

    switch (field(bits, 2, 5)) {
    case 0x00: decode_load(bits, op); break;
    case 0x01: decode_float_load(bits, op); break;
    case 0x03: /* fence orders what is in order already; fence.i: decoded code is never stale */
        if (field(bits, 12, 3) <= 1) {
            op->code = OP_NOP;
        }
        break;
    case 0x04: decode_op_imm(bits, op); break;
    case 0x05:
        op->imm = (int32_t)(bits & 0xfffff000u);
        compute_x(op, OP_AUIPC);
        break;
    case 0x06: decode_op_imm_32(bits, op); break;
    case 0x08: decode_store(bits, op); break;
    case 0x09: decode_float_store(bits, op); break;
    case 0x0b: decode_amo(bits, op); break;
    case 0x0c: decode_op(bits, op); break;
    case 0x0d:
        op->imm = (int32_t)(bits & 0xfffff000u);
        compute_x(op, OP_LI);
        break;
    case 0x0e: decode_op_32(bits, op); break;
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x13: decode_float_fused(bits, op); break;
    case 0x14: decode_float(bits, op); break;
    case 0x18: decode_branch(bits, op); break;
    case 0x19:
        if (field(bits, 12, 3) == 0) {
            op->imm = immediate_i(bits);
            op->code = op->rd == 0 ? OP_JR : OP_JALR;
        }
        break;
    case 0x1b:
        op->imm = immediate_j(bits);
        op->code = op->rd == 0 ? OP_J : OP_JAL;
        op->rs2 = 4;
        op->link = 0;
        break;
    case 0x1c: decode_system(bits, op); break;
    default: break;
    }
}

void decode_instruction(uint32_t bits, struct op *op)
{
    if ((bits & 3) == 3) {
        decode_standard(bits, op);
    } else {
        decode_compressed((uint16_t)bits, op);
    }
}

bool decode_ends_block(const struct op *op)
{
    switch (op->code) {
    case OP_J:
    case OP_JAL:
    case OP_JR:
    case OP_JALR:
    case OP_ECALL:
    case OP_EBREAK:
    case OP_SRET:
    case OP_WFI:
    case OP_ILLEGAL: return true;
    default: return false;
    }
}
