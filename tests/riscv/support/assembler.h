/*
 * Instructions as bits: the formats of the unprivileged specification (chapter 2.2), and those
 * instructions that tests spell out. Names are the specification's; operands stand in the order of
 * assembly language, displacements and immediates in bytes.
 */
#ifndef TESTS_RISCV_ASSEMBLER_H
#define TESTS_RISCV_ASSEMBLER_H

#include <stdint.h>

enum x_register {
    ZERO,
    RA,
    SP,
    GP,
    TP,
    T0,
    T1,
    T2,
    S0,
    S1,
    A0,
    A1,
    A2,
    A3,
    A4,
    A5,
    A6,
    A7,
    S2,
    S3,
    S4,
    S5,
    S6,
    S7,
    S8,
    S9,
    S10,
    S11,
    T3,
    T4,
    T5,
    T6
};

static inline uint32_t rv_r(uint32_t funct7, uint32_t rs2, uint32_t rs1, uint32_t funct3,
                            uint32_t rd, uint32_t opcode)
{
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static inline uint32_t rv_i(int32_t immediate, uint32_t rs1, uint32_t funct3, uint32_t rd,
                            uint32_t opcode)
{
    return (uint32_t)immediate << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
}

static inline uint32_t rv_s(int32_t immediate, uint32_t rs2, uint32_t rs1, uint32_t funct3,
                            uint32_t opcode)
{
    uint32_t bits = (uint32_t)immediate;
    return rv_r(bits >> 5 & 0x7f, rs2, rs1, funct3, bits & 0x1f, opcode);
}

static inline uint32_t rv_branch(uint32_t funct3, uint32_t rs1, uint32_t rs2, int32_t displacement)
{
    uint32_t bits = (uint32_t)displacement;
    return (bits >> 12 & 1) << 31 | (bits >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 |
           funct3 << 12 | (bits >> 1 & 0xf) << 8 | (bits >> 11 & 1) << 7 | 0x63;
}

static inline uint32_t rv_jal(uint32_t rd, int32_t displacement)
{
    uint32_t bits = (uint32_t)displacement;
    return (bits >> 20 & 1) << 31 | (bits >> 1 & 0x3ff) << 21 | (bits >> 11 & 1) << 20 |
           (bits >> 12 & 0xff) << 12 | rd << 7 | 0x6f;
}

/* The upper 20 bits are those of `value`. */
static inline uint32_t rv_lui(uint32_t rd, uint32_t value)
{
    return (value & 0xfffff000) | rd << 7 | 0x37;
}

static inline uint32_t rv_auipc(uint32_t rd, uint32_t value)
{
    return (value & 0xfffff000) | rd << 7 | 0x17;
}

#define RV_IMMEDIATE(name, funct3, opcode)                                                         \
    static inline uint32_t name(uint32_t rd, uint32_t rs1, int32_t immediate)                      \
    {                                                                                              \
        return rv_i(immediate, rs1, funct3, rd, opcode);                                           \
    }
#define RV_LOAD(name, funct3, opcode)                                                              \
    static inline uint32_t name(uint32_t rd, int32_t offset, uint32_t rs1)                         \
    {                                                                                              \
        return rv_i(offset, rs1, funct3, rd, opcode);                                              \
    }
#define RV_STORE(name, funct3, opcode)                                                             \
    static inline uint32_t name(uint32_t rs2, int32_t offset, uint32_t rs1)                        \
    {                                                                                              \
        return rv_s(offset, rs2, rs1, funct3, opcode);                                             \
    }
#define RV_REGISTER(name, funct7, funct3, opcode)                                                  \
    static inline uint32_t name(uint32_t rd, uint32_t rs1, uint32_t rs2)                           \
    {                                                                                              \
        return rv_r(funct7, rs2, rs1, funct3, rd, opcode);                                         \
    }
#define RV_BRANCH(name, funct3)                                                                    \
    static inline uint32_t name(uint32_t rs1, uint32_t rs2, int32_t displacement)                  \
    {                                                                                              \
        return rv_branch(funct3, rs1, rs2, displacement);                                          \
    }
#define RV_CSR(name, funct3)                                                                       \
    static inline uint32_t name(uint32_t rd, uint32_t csr, uint32_t rs1)                           \
    {                                                                                              \
        return rv_i((int32_t)csr, rs1, funct3, rd, 0x73);                                          \
    }

RV_IMMEDIATE(rv_addi, 0, 0x13)
RV_IMMEDIATE(rv_slli, 1, 0x13)
RV_IMMEDIATE(rv_slti, 2, 0x13)
RV_IMMEDIATE(rv_sltiu, 3, 0x13)
RV_IMMEDIATE(rv_xori, 4, 0x13)
RV_IMMEDIATE(rv_srli, 5, 0x13)
RV_IMMEDIATE(rv_ori, 6, 0x13)
RV_IMMEDIATE(rv_andi, 7, 0x13)
RV_IMMEDIATE(rv_addiw, 0, 0x1b)
RV_IMMEDIATE(rv_jalr, 0, 0x67)
RV_LOAD(rv_lb, 0, 0x03)
RV_LOAD(rv_lh, 1, 0x03)
RV_LOAD(rv_lw, 2, 0x03)
RV_LOAD(rv_ld, 3, 0x03)
RV_LOAD(rv_lbu, 4, 0x03)
RV_LOAD(rv_lhu, 5, 0x03)
RV_LOAD(rv_lwu, 6, 0x03)
RV_LOAD(rv_flw, 2, 0x07)
RV_LOAD(rv_fld, 3, 0x07)
RV_STORE(rv_sb, 0, 0x23)
RV_STORE(rv_sh, 1, 0x23)
RV_STORE(rv_sw, 2, 0x23)
RV_STORE(rv_sd, 3, 0x23)
RV_STORE(rv_fsw, 2, 0x27)
RV_STORE(rv_fsd, 3, 0x27)
RV_REGISTER(rv_add, 0x00, 0, 0x33)
RV_REGISTER(rv_sub, 0x20, 0, 0x33)
RV_REGISTER(rv_slt, 0x00, 2, 0x33)
RV_REGISTER(rv_sltu, 0x00, 3, 0x33)
RV_REGISTER(rv_xor, 0x00, 4, 0x33)
RV_REGISTER(rv_or, 0x00, 6, 0x33)
RV_REGISTER(rv_and, 0x00, 7, 0x33)
RV_REGISTER(rv_addw, 0x00, 0, 0x3b)
RV_REGISTER(rv_add_uw, 0x04, 0, 0x3b)
RV_REGISTER(rv_mul, 0x01, 0, 0x33)
RV_REGISTER(rv_mulh, 0x01, 1, 0x33)
RV_REGISTER(rv_div, 0x01, 4, 0x33)
RV_REGISTER(rv_rem, 0x01, 6, 0x33)
RV_REGISTER(rv_divw, 0x01, 4, 0x3b)
RV_REGISTER(rv_sll, 0x00, 1, 0x33)
RV_REGISTER(rv_sra, 0x20, 5, 0x33)
RV_REGISTER(rv_srlw, 0x00, 5, 0x3b)
RV_BRANCH(rv_beq, 0)
RV_BRANCH(rv_bne, 1)
RV_BRANCH(rv_blt, 4)
RV_BRANCH(rv_bge, 5)
RV_BRANCH(rv_bltu, 6)
RV_BRANCH(rv_bgeu, 7)
RV_CSR(rv_csrrw, 1)
RV_CSR(rv_csrrs, 2)
RV_CSR(rv_csrrc, 3)
/* The immediate takes the place of rs1. */
RV_CSR(rv_csrrwi, 5)
RV_CSR(rv_csrrsi, 6)
RV_CSR(rv_csrrci, 7)

#undef RV_IMMEDIATE
#undef RV_LOAD
#undef RV_STORE
#undef RV_REGISTER
#undef RV_BRANCH
#undef RV_CSR

/* Atomics: the address in rs1. funct5: chapter 13. */
static inline uint32_t rv_atomic(uint32_t funct5, uint32_t width, uint32_t rd, uint32_t rs2,
                                 uint32_t rs1)
{
    return rv_r(funct5 << 2, rs2, rs1, width, rd, 0x2f);
}

static inline uint32_t rv_lr_w(uint32_t rd, uint32_t rs1)
{
    return rv_atomic(0x02, 2, rd, 0, rs1);
}

static inline uint32_t rv_lr_d(uint32_t rd, uint32_t rs1)
{
    return rv_atomic(0x02, 3, rd, 0, rs1);
}

static inline uint32_t rv_sc_w(uint32_t rd, uint32_t rs2, uint32_t rs1)
{
    return rv_atomic(0x03, 2, rd, rs2, rs1);
}

static inline uint32_t rv_sc_d(uint32_t rd, uint32_t rs2, uint32_t rs1)
{
    return rv_atomic(0x03, 3, rd, rs2, rs1);
}

static inline uint32_t rv_amoadd_d(uint32_t rd, uint32_t rs2, uint32_t rs1)
{
    return rv_atomic(0x00, 3, rd, rs2, rs1);
}

static inline uint32_t rv_amoswap_w(uint32_t rd, uint32_t rs2, uint32_t rs1)
{
    return rv_atomic(0x01, 2, rd, rs2, rs1);
}

static inline uint32_t rv_sfence_vma(uint32_t rs1, uint32_t rs2)
{
    return rv_r(0x09, rs2, rs1, 0, 0, 0x73);
}

#define RV_NOP     UINT32_C(0x00000013)
#define RV_ECALL   UINT32_C(0x00000073)
#define RV_EBREAK  UINT32_C(0x00100073)
#define RV_SRET    UINT32_C(0x10200073)
#define RV_WFI     UINT32_C(0x10500073)
#define RV_FENCE   UINT32_C(0x0ff0000f)
#define RV_FENCE_I UINT32_C(0x0000100f)
#define RV_RET     UINT32_C(0x00008067)
#define RV_C_NOP   UINT32_C(0x0001)

/* Floating point; `mode` is the rounding mode. */
static inline uint32_t rv_float(uint32_t funct5, uint32_t is_double, uint32_t rd, uint32_t rs1,
                                uint32_t rs2, uint32_t mode)
{
    return rv_r(funct5 << 2 | is_double, rs2, rs1, mode, rd, 0x53);
}

static inline uint32_t rv_fadd_d(uint32_t rd, uint32_t rs1, uint32_t rs2, uint32_t mode)
{
    return rv_float(0x00, 1, rd, rs1, rs2, mode);
}

static inline uint32_t rv_fadd_s(uint32_t rd, uint32_t rs1, uint32_t rs2, uint32_t mode)
{
    return rv_float(0x00, 0, rd, rs1, rs2, mode);
}

static inline uint32_t rv_fmul_d(uint32_t rd, uint32_t rs1, uint32_t rs2, uint32_t mode)
{
    return rv_float(0x02, 1, rd, rs1, rs2, mode);
}

static inline uint32_t rv_fdiv_d(uint32_t rd, uint32_t rs1, uint32_t rs2, uint32_t mode)
{
    return rv_float(0x03, 1, rd, rs1, rs2, mode);
}

#endif
