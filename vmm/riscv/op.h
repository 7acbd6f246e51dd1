/*
 * The decoded form of guest instructions: what the decoder produces and an execution engine
 * consumes. Nothing here knows how an operation is carried out.
 *
 * One op stands for one instruction, so that the place of an op in its block is also the number of
 * instructions retired before it. Compressed instructions are expanded to the operation that they
 * abbreviate; only their length (from `raw`) remembers it.
 */
#ifndef VMM_RISCV_OP_H
#define VMM_RISCV_OP_H

#include <assert.h>
#include <stdint.h>

/* clang-format off */
#define OP_LIST(X) \
    /* pseudo operations: they retire nothing */ \
    X(CONTINUE) X(STOP) \
    /* integer */ \
    X(NOP) X(LI) X(AUIPC) X(MV) \
    X(ADDI) X(SLTI) X(SLTIU) X(XORI) X(ORI) X(ANDI) X(SLLI) X(SRLI) X(SRAI) \
    X(ADDIW) X(SLLIW) X(SRLIW) X(SRAIW) \
    X(ADD) X(SUB) X(SLL) X(SLT) X(SLTU) X(XOR) X(SRL) X(SRA) X(OR) X(AND) \
    X(ADDW) X(SUBW) X(SLLW) X(SRLW) X(SRAW) \
    X(MUL) X(MULH) X(MULHSU) X(MULHU) X(DIV) X(DIVU) X(REM) X(REMU) \
    X(MULW) X(DIVW) X(DIVUW) X(REMW) X(REMUW) \
    /* Zba, Zbb, Zbs */ \
    X(ADD_UW) X(SH1ADD) X(SH2ADD) X(SH3ADD) X(SH1ADD_UW) X(SH2ADD_UW) X(SH3ADD_UW) X(SLLI_UW) \
    X(ANDN) X(ORN) X(XNOR) X(CLZ) X(CTZ) X(CPOP) X(CLZW) X(CTZW) X(CPOPW) \
    X(MAX) X(MAXU) X(MIN) X(MINU) X(SEXT_B) X(SEXT_H) X(ZEXT_H) \
    X(ROL) X(ROLW) X(ROR) X(RORW) X(RORI) X(RORIW) X(ORC_B) X(REV8) \
    X(BCLR) X(BCLRI) X(BEXT) X(BEXTI) X(BINV) X(BINVI) X(BSET) X(BSETI) \
    /* control */ \
    X(J) X(JAL) X(JR) X(JALR) X(BEQ) X(BNE) X(BLT) X(BGE) X(BLTU) X(BGEU) \
    /* memory */ \
    X(LB) X(LH) X(LW) X(LD) X(LBU) X(LHU) X(LWU) X(SB) X(SH) X(SW) X(SD) \
    X(FLW) X(FLD) X(FSW) X(FSD) \
    X(LR_W) X(LR_D) X(SC_W) X(SC_D) \
    X(AMOSWAP_W) X(AMOADD_W) X(AMOXOR_W) X(AMOAND_W) X(AMOOR_W) \
    X(AMOMIN_W) X(AMOMAX_W) X(AMOMINU_W) X(AMOMAXU_W) \
    X(AMOSWAP_D) X(AMOADD_D) X(AMOXOR_D) X(AMOAND_D) X(AMOOR_D) \
    X(AMOMIN_D) X(AMOMAX_D) X(AMOMINU_D) X(AMOMAXU_D) \
    /* floating point, one block per format in the same order */ \
    X(FADD_S) X(FSUB_S) X(FMUL_S) X(FDIV_S) X(FSQRT_S) \
    X(FMADD_S) X(FMSUB_S) X(FNMSUB_S) X(FNMADD_S) \
    X(FSGNJ_S) X(FSGNJN_S) X(FSGNJX_S) X(FMIN_S) X(FMAX_S) X(FEQ_S) X(FLT_S) X(FLE_S) X(FCLASS_S) \
    X(FCVT_W_S) X(FCVT_WU_S) X(FCVT_L_S) X(FCVT_LU_S) \
    X(FCVT_S_W) X(FCVT_S_WU) X(FCVT_S_L) X(FCVT_S_LU) X(FMV_X_W) X(FMV_W_X) \
    X(FADD_D) X(FSUB_D) X(FMUL_D) X(FDIV_D) X(FSQRT_D) \
    X(FMADD_D) X(FMSUB_D) X(FNMSUB_D) X(FNMADD_D) \
    X(FSGNJ_D) X(FSGNJN_D) X(FSGNJX_D) X(FMIN_D) X(FMAX_D) X(FEQ_D) X(FLT_D) X(FLE_D) X(FCLASS_D) \
    X(FCVT_W_D) X(FCVT_WU_D) X(FCVT_L_D) X(FCVT_LU_D) \
    X(FCVT_D_W) X(FCVT_D_WU) X(FCVT_D_L) X(FCVT_D_LU) X(FMV_X_D) X(FMV_D_X) \
    X(FCVT_S_D) X(FCVT_D_S) \
    /* system */ \
    X(CSR) X(ECALL) X(EBREAK) X(SRET) X(WFI) X(SFENCE_VMA) X(ILLEGAL)
/* clang-format on */

enum op_code {
#define OP_ENUMERATOR(name) OP_##name,
    OP_LIST(OP_ENUMERATOR)
#undef OP_ENUMERATOR
        OP_COUNT
};

/* Results that nobody reads: the decoder directs writes to x0 here. */
#define OP_SINK_REGISTER 32

struct op {
    uint16_t code;   /* enum op_code */
    uint16_t offset; /* of the instruction within its 4 KiB page */
    uint8_t rd;      /* OP_SINK_REGISTER for x0 in operations that write an x register */
    uint8_t rs1;
    uint8_t rs2; /* also the shift amount */
    uint8_t rs3;
    int32_t imm; /* sign-extended immediate; displacement of jumps and branches */
    union {
        uint32_t raw;  /* the instruction's bits: stval of an illegal instruction */
        uint32_t link; /* J, JAL, branches, CONTINUE: the engine's; index of the block that is
                          jumped to, 0 if not known. A JAL keeps its length in rs2. */
    };
};
static_assert(sizeof(struct op) == 16, "four to a cache line");

/* Not for operations with a link. */
static inline unsigned op_length(const struct op *op)
{
    return (op->raw & 3) == 3 ? 4 : 2;
}

static inline unsigned op_rounding_mode(const struct op *op)
{
    return op->raw >> 12 & 7;
}

#endif
