/*
 * Executes decoded blocks, one indirect jump per instruction.
 *
 * Between blocks there is one check: does the whole block fit before the limit? If not, a copy of
 * its head that does is run instead, so that no instruction counts anything. What was retired is
 * subtracted where a block is left: the place of the op tells how much.
 *
 * While a block runs, state.pc and state.position are those of some earlier instruction. Whatever
 * may trap, or may ask for them, begins with EXACT().
 */
#include <string.h>

#include "vmm/riscv/atomics.h"
#include "vmm/riscv/bits.h"
#include "vmm/riscv/fpu.h"
#include "vmm/riscv/fpu_host.h"
#include "vmm/riscv/fpu_values.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/mmu.h"
#include "vmm/riscv/pte.h"

#define DISPATCH() goto *labels[op->code]
#define NEXT()                                                                                     \
    do {                                                                                           \
        op++;                                                                                      \
        DISPATCH();                                                                                \
    } while (0)

/* Instructions of this block retired before this one. */
#define RETIRED() ((uint64_t)(op - first))
#define EXACT()                                                                                    \
    do {                                                                                           \
        s->pc = page + op->offset;                                                                 \
        s->position = limit - budget + RETIRED();                                                  \
    } while (0)

#define RD  x[op->rd]
#define RS1 x[op->rs1]
#define RS2 x[op->rs2]
#define IMM ((uint64_t)(int64_t)op->imm)

#define COMPUTE(name, expression)                                                                  \
    label_##name : RD = (expression);                                                              \
    NEXT();

#define BRANCH(name, condition)                                                                    \
    label_##name : if (condition)                                                                  \
    {                                                                                              \
        goto taken;                                                                                \
    }                                                                                              \
    NEXT();

/* The entry's tag matches only if the access is aligned and its page is at hand. */
#define TLB_ENTRY(address)     (&tlb[(address) >> PAGE_SHIFT & (TLB_ENTRIES - 1)])
#define TLB_TAG(address, size) ((address) & ~(PAGE_MASK & ~(uint64_t)((size)-1)))

#define LOAD(name, type, needs, store_result)                                                      \
    label_##name:                                                                                  \
    {                                                                                              \
        needs;                                                                                     \
        uint64_t address = RS1 + IMM;                                                              \
        const struct tlb_entry *entry = TLB_ENTRY(address);                                        \
        type value;                                                                                \
        if (likely(entry->read_tag == TLB_TAG(address, sizeof value))) {                           \
            memcpy(&value, (const void *)(uintptr_t)(address + entry->addend), sizeof value);      \
        } else {                                                                                   \
            uint64_t loaded;                                                                       \
            EXACT();                                                                               \
            if (unlikely(!mmu_load(hart, address, sizeof value, &loaded))) {                       \
                goto trap;                                                                         \
            }                                                                                      \
            value = (type)loaded;                                                                  \
            store_result;                                                                          \
            if (unlikely(hart->leave)) {                                                           \
                goto leave_after;                                                                  \
            }                                                                                      \
            NEXT();                                                                                \
        }                                                                                          \
        store_result;                                                                              \
        NEXT();                                                                                    \
    }

#define STORE(name, type, needs, operand)                                                          \
    label_##name:                                                                                  \
    {                                                                                              \
        needs;                                                                                     \
        uint64_t address = RS1 + IMM;                                                              \
        const struct tlb_entry *entry = TLB_ENTRY(address);                                        \
        type value = (type)(operand);                                                              \
        if (likely(entry->write_tag == TLB_TAG(address, sizeof value))) {                          \
            memcpy((void *)(uintptr_t)(address + entry->addend), &value, sizeof value);            \
            NEXT();                                                                                \
        }                                                                                          \
        EXACT();                                                                                   \
        if (unlikely(!mmu_store(hart, address, sizeof value, value))) {                            \
            goto trap;                                                                             \
        }                                                                                          \
        if (unlikely(hart->leave)) {                                                               \
            goto leave_after;                                                                      \
        }                                                                                          \
        NEXT();                                                                                    \
    }

#define NEEDS_FLOAT()                                                                              \
    if (unlikely((s->sstatus & SSTATUS_FS) == 0)) {                                                \
        goto illegal;                                                                              \
    }

/* Arithmetic in the mode that the host is in. All else is for fpu_execute(), and so are NaNs: what
 * raised the host's flags once may do so again. */
#define FLOAT_AT_HAND()                                                                            \
    (likely(                                                                                       \
        (s->sstatus & SSTATUS_FS) != 0 && hart->host_rounding <= ROUND_UP &&                       \
        (op_rounding_mode(op) == ROUND_DYNAMIC || op_rounding_mode(op) == hart->host_rounding)))
#define FLOAT_HANDLER(name, type, get, put, is_nan, expression)                                    \
    label_##name : if (FLOAT_AT_HAND())                                                            \
    {                                                                                              \
        type a = get(s->f[op->rs1]);                                                               \
        type b = get(s->f[op->rs2 & 31]);                                                          \
        type c = get(s->f[op->rs3]);                                                               \
        uint64_t result;                                                                           \
        (void)b;                                                                                   \
        (void)c;                                                                                   \
        result = put(expression);                                                                  \
        if (likely(!is_nan(result))) {                                                             \
            s->f[op->rd] = result;                                                                 \
            s->sstatus |= SSTATUS_FS;                                                              \
            NEXT();                                                                                \
        }                                                                                          \
    }                                                                                              \
    goto float_operation;
#define DOUBLE(name, expression)                                                                   \
    FLOAT_HANDLER(name, double, f64_value, f64_bits, f64_is_nan, expression)
#define SINGLE(name, expression)                                                                   \
    FLOAT_HANDLER(name, float, f32_boxed_value, f32_boxed_bits, f32_is_nan, expression)

uint32_t hart_interpret(struct hart *hart, uint64_t limit, enum interpretation mode)
{
    static const void *const labels[OP_COUNT] = {
#define OP_LABEL(name) [OP_##name] = &&label_##name,
        OP_LIST(OP_LABEL)
#undef OP_LABEL
    };
    struct hart_state *const s = &hart->state;
    uint64_t *const x = s->x;
    struct tlb_entry *tlb = hart->tlb;
    uint64_t budget = limit - s->position; /* at the start of the current block */
    uint64_t pc = s->pc;                   /* where a jump goes */
    uint64_t page = 0;                     /* virtual page of the current block */
    struct block *block;
    struct op *op = NULL;
    const struct op *first = NULL;

jump : {
    uint64_t key = pc ^ hart->jump_salt;
    const struct jump_entry *entry = jump_entry_for(&hart->blocks, key);
    /* What is not canonical could have the key of a jump in another context. */
    if (unlikely(entry->key != key || !is_canonical(pc))) {
        goto find;
    }
    block = entry->block;
    page = pc & ~PAGE_MASK;
}

enter:
    if (mode == INTERPRET_REST) {
        mode = INTERPRET_TO_HOT;
    } else if (mode == INTERPRET_TO_HOT) {
        if (block->cool != 0) {
            block->cool--;
        } else if (block->count != BLOCK_DEAD) {
            s->pc = page + (block->physical & PAGE_MASK);
            s->position = limit - budget;
            return budget != 0 ? (uint32_t)(block - hart->blocks.blocks) : 0;
        }
    }
    if (unlikely(budget < block->count)) {
        if (block->count == BLOCK_DEAD) {
            pc = page + (block->physical & PAGE_MASK);
            goto find;
        }
        if (budget == 0) {
            s->pc = page + (block->physical & PAGE_MASK);
            s->position = limit;
            return 0;
        }
        block = blocks_tail(hart, block, (uint32_t)budget);
    }
    op = block->ops;
    first = op;
    DISPATCH();

find:
    /* Nothing may be fetched past the limit: a fetch can set A bits, or trap. */
    s->pc = pc;
    s->position = limit - budget;
    if (budget == 0) {
        return 0;
    }
    block = blocks_find(hart, pc);
    if (unlikely(block == NULL)) {
        hart_trap(hart, hart->trap_cause, hart->trap_value);
        budget--;
        goto trapped;
    } else {
        uint64_t key = pc ^ hart->jump_salt;
        struct jump_entry *entry = jump_entry_for(&hart->blocks, key);
        entry->key = key;
        entry->block = block;
        page = pc & ~PAGE_MASK;
        goto enter;
    }

label_STOP:
    s->pc = page + op->offset;
    s->position = limit - budget + RETIRED();
    return 0;

label_CONTINUE:
    budget -= RETIRED();
    goto follow;

taken:
    budget -= RETIRED() + 1;
follow:
    /* To the displacement of a jump or branch. Within the page the target is the same block
     * whatever the translation, so it can be remembered. */
    if (likely(op->link != 0)) {
        block = &hart->blocks.blocks[op->link];
        goto enter;
    }
    pc = page + op->offset + IMM;
    if ((pc & ~PAGE_MASK) == page && budget != 0) {
        uint64_t generation = hart->blocks.generation;
        s->pc = pc;
        s->position = limit - budget;
        block = blocks_find(hart, pc);
        if (block == NULL) {
            goto jump; /* which will fail the same way, and trap */
        }
        if (generation == hart->blocks.generation && block->second_page == BLOCK_NO_PAGE) {
            op->link = (uint32_t)(block - hart->blocks.blocks);
        }
        goto enter;
    }
    goto jump;

trap:
    hart_trap(hart, hart->trap_cause, hart->trap_value);
    budget -= RETIRED() + 1;
trapped:
    if (unlikely(hart->leave)) { /* a callback may have asked for it, and failed the access */
        s->position = limit - budget;
        return 0;
    }
    pc = s->pc;
    tlb = hart->tlb;
    goto jump;

illegal:
    EXACT();
    hart->trap_cause = CAUSE_ILLEGAL_INSTRUCTION;
    hart->trap_value = op->raw;
    goto trap;

leave_after:
    /* The instruction at s->pc is done. */
    s->pc += op_length(op);
    s->position++;
    return 0;

label_NOP:
    NEXT();
    COMPUTE(LI, IMM)
    COMPUTE(AUIPC, page + op->offset + IMM)
    COMPUTE(MV, RS1)
    COMPUTE(ADDI, RS1 + IMM)
    COMPUTE(SLTI, (int64_t)RS1 < (int64_t)IMM)
    COMPUTE(SLTIU, RS1 < IMM)
    COMPUTE(XORI, RS1 ^ IMM)
    COMPUTE(ORI, RS1 | IMM)
    COMPUTE(ANDI, RS1 & IMM)
    COMPUTE(SLLI, RS1 << op->rs2)
    COMPUTE(SRLI, RS1 >> op->rs2)
    COMPUTE(SRAI, (uint64_t)((int64_t)RS1 >> op->rs2))
    COMPUTE(ADDIW, sign_extend_32(RS1 + IMM))
    COMPUTE(SLLIW, sign_extend_32(RS1 << op->rs2))
    COMPUTE(SRLIW, sign_extend_32((uint32_t)RS1 >> op->rs2))
    COMPUTE(SRAIW, (uint64_t)(int64_t)((int32_t)RS1 >> op->rs2))
    COMPUTE(ADD, RS1 + RS2)
    COMPUTE(SUB, RS1 - RS2)
    COMPUTE(SLL, RS1 << (RS2 & 63))
    COMPUTE(SLT, (int64_t)RS1 < (int64_t)RS2)
    COMPUTE(SLTU, RS1 < RS2)
    COMPUTE(XOR, RS1 ^ RS2)
    COMPUTE(SRL, RS1 >> (RS2 & 63))
    COMPUTE(SRA, (uint64_t)((int64_t)RS1 >> (RS2 & 63)))
    COMPUTE(OR, RS1 | RS2)
    COMPUTE(AND, RS1 & RS2)
    COMPUTE(ADDW, sign_extend_32(RS1 + RS2))
    COMPUTE(SUBW, sign_extend_32(RS1 - RS2))
    COMPUTE(SLLW, sign_extend_32((uint32_t)RS1 << (RS2 & 31)))
    COMPUTE(SRLW, sign_extend_32((uint32_t)RS1 >> (RS2 & 31)))
    COMPUTE(SRAW, (uint64_t)(int64_t)((int32_t)RS1 >> (RS2 & 31)))

    COMPUTE(MUL, RS1 * RS2)
    COMPUTE(MULH, multiply_high_signed(RS1, RS2))
    COMPUTE(MULHSU, multiply_high_signed_unsigned(RS1, RS2))
    COMPUTE(MULHU, multiply_high(RS1, RS2))
    COMPUTE(DIV, divide_signed(RS1, RS2))
    COMPUTE(DIVU, divide_unsigned(RS1, RS2))
    COMPUTE(REM, remainder_signed(RS1, RS2))
    COMPUTE(REMU, remainder_unsigned(RS1, RS2))
    COMPUTE(MULW, sign_extend_32(RS1 * RS2))
    COMPUTE(DIVW, sign_extend_32(divide_signed(sign_extend_32(RS1), sign_extend_32(RS2))))
    COMPUTE(DIVUW, sign_extend_32(divide_unsigned((uint32_t)RS1, (uint32_t)RS2)))
    COMPUTE(REMW, sign_extend_32(remainder_signed(sign_extend_32(RS1), sign_extend_32(RS2))))
    COMPUTE(REMUW, sign_extend_32(remainder_unsigned((uint32_t)RS1, (uint32_t)RS2)))

    COMPUTE(ADD_UW, (uint32_t)RS1 + RS2)
    COMPUTE(SH1ADD, (RS1 << 1) + RS2)
    COMPUTE(SH2ADD, (RS1 << 2) + RS2)
    COMPUTE(SH3ADD, (RS1 << 3) + RS2)
    COMPUTE(SH1ADD_UW, ((uint64_t)(uint32_t)RS1 << 1) + RS2)
    COMPUTE(SH2ADD_UW, ((uint64_t)(uint32_t)RS1 << 2) + RS2)
    COMPUTE(SH3ADD_UW, ((uint64_t)(uint32_t)RS1 << 3) + RS2)
    COMPUTE(SLLI_UW, (uint64_t)(uint32_t)RS1 << op->rs2)
    COMPUTE(ANDN, RS1 & ~RS2)
    COMPUTE(ORN, RS1 | ~RS2)
    COMPUTE(XNOR, ~(RS1 ^ RS2))
    COMPUTE(CLZ, count_leading_zeros(RS1))
    COMPUTE(CTZ, count_trailing_zeros(RS1))
    COMPUTE(CPOP, (uint64_t)__builtin_popcountll(RS1))
    COMPUTE(CLZW, count_leading_zeros_32(RS1))
    COMPUTE(CTZW, count_trailing_zeros_32(RS1))
    COMPUTE(CPOPW, (uint64_t)__builtin_popcount((uint32_t)RS1))
    COMPUTE(MAX, maximum_signed(RS1, RS2))
    COMPUTE(MAXU, maximum_unsigned(RS1, RS2))
    COMPUTE(MIN, minimum_signed(RS1, RS2))
    COMPUTE(MINU, minimum_unsigned(RS1, RS2))
    COMPUTE(SEXT_B, (uint64_t)(int64_t)(int8_t)RS1)
    COMPUTE(SEXT_H, (uint64_t)(int64_t)(int16_t)RS1)
    COMPUTE(ZEXT_H, (uint16_t)RS1)
    COMPUTE(ROL, rotate_right(RS1, -(unsigned)RS2))
    COMPUTE(ROLW, rotate_right_32(RS1, -(unsigned)RS2))
    COMPUTE(ROR, rotate_right(RS1, (unsigned)RS2))
    COMPUTE(RORW, rotate_right_32(RS1, (unsigned)RS2))
    COMPUTE(RORI, rotate_right(RS1, op->rs2))
    COMPUTE(RORIW, rotate_right_32(RS1, op->rs2))
    COMPUTE(ORC_B, or_combine_bytes(RS1))
    COMPUTE(REV8, __builtin_bswap64(RS1))
    COMPUTE(BCLR, RS1 & ~(UINT64_C(1) << (RS2 & 63)))
    COMPUTE(BCLRI, RS1 & ~(UINT64_C(1) << op->rs2))
    COMPUTE(BEXT, RS1 >> (RS2 & 63) & 1)
    COMPUTE(BEXTI, RS1 >> op->rs2 & 1)
    COMPUTE(BINV, RS1 ^ UINT64_C(1) << (RS2 & 63))
    COMPUTE(BINVI, RS1 ^ UINT64_C(1) << op->rs2)
    COMPUTE(BSET, RS1 | UINT64_C(1) << (RS2 & 63))
    COMPUTE(BSETI, RS1 | UINT64_C(1) << op->rs2)

    BRANCH(BEQ, RS1 == RS2)
    BRANCH(BNE, RS1 != RS2)
    BRANCH(BLT, (int64_t)RS1 < (int64_t)RS2)
    BRANCH(BGE, (int64_t)RS1 >= (int64_t)RS2)
    BRANCH(BLTU, RS1 < RS2)
    BRANCH(BGEU, RS1 >= RS2)

label_J:
    goto taken;

label_JAL:
    RD = page + op->offset + op->rs2;
    goto taken;

label_JR:
    pc = (RS1 + IMM) & ~UINT64_C(1);
    budget -= RETIRED() + 1;
    goto jump;

label_JALR:
    pc = (RS1 + IMM) & ~UINT64_C(1);
    RD = page + op->offset + op_length(op);
    budget -= RETIRED() + 1;
    goto jump;

    LOAD(LB, int8_t, , RD = (uint64_t)(int64_t)value)
    LOAD(LH, int16_t, , RD = (uint64_t)(int64_t)value)
    LOAD(LW, int32_t, , RD = (uint64_t)(int64_t)value)
    LOAD(LD, uint64_t, , RD = value)
    LOAD(LBU, uint8_t, , RD = value)
    LOAD(LHU, uint16_t, , RD = value)
    LOAD(LWU, uint32_t, , RD = value)
    STORE(SB, uint8_t, , RS2)
    STORE(SH, uint16_t, , RS2)
    STORE(SW, uint32_t, , RS2)
    STORE(SD, uint64_t, , RS2)

    LOAD(FLW, uint32_t, NEEDS_FLOAT(), (s->f[op->rd] = box(value), s->sstatus |= SSTATUS_FS))
    LOAD(FLD, uint64_t, NEEDS_FLOAT(), (s->f[op->rd] = value, s->sstatus |= SSTATUS_FS))
    STORE(FSW, uint32_t, NEEDS_FLOAT(), s->f[op->rs2])
    STORE(FSD, uint64_t, NEEDS_FLOAT(), s->f[op->rs2])

    DOUBLE(FADD_D, host_add_d(a, b))
    DOUBLE(FSUB_D, host_sub_d(a, b))
    DOUBLE(FMUL_D, host_mul_d(a, b))
    DOUBLE(FDIV_D, host_div_d(a, b))
    DOUBLE(FSQRT_D, host_sqrt_d(a))
    DOUBLE(FMADD_D, host_fma_d(a, b, c))
    DOUBLE(FMSUB_D, host_fma_d(a, b, -c))
    DOUBLE(FNMSUB_D, host_fma_d(-a, b, c))
    DOUBLE(FNMADD_D, host_fma_d(-a, b, -c))
    SINGLE(FADD_S, host_add_s(a, b))
    SINGLE(FSUB_S, host_sub_s(a, b))
    SINGLE(FMUL_S, host_mul_s(a, b))
    SINGLE(FDIV_S, host_div_s(a, b))
    SINGLE(FSQRT_S, host_sqrt_s(a))
    SINGLE(FMADD_S, host_fma_s(a, b, c))
    SINGLE(FMSUB_S, host_fma_s(a, b, -c))
    SINGLE(FNMSUB_S, host_fma_s(-a, b, c))
    SINGLE(FNMADD_S, host_fma_s(-a, b, -c))

label_LR_W:
label_LR_D:
label_SC_W:
label_SC_D:
label_AMOSWAP_W:
label_AMOADD_W:
label_AMOXOR_W:
label_AMOAND_W:
label_AMOOR_W:
label_AMOMIN_W:
label_AMOMAX_W:
label_AMOMINU_W:
label_AMOMAXU_W:
label_AMOSWAP_D:
label_AMOADD_D:
label_AMOXOR_D:
label_AMOAND_D:
label_AMOOR_D:
label_AMOMIN_D:
label_AMOMAX_D:
label_AMOMINU_D:
label_AMOMAXU_D:
    EXACT();
    if (unlikely(!atomics_execute(hart, op))) {
        goto trap;
    }
    if (unlikely(hart->leave)) {
        goto leave_after;
    }
    NEXT();

label_FSGNJ_S:
label_FSGNJN_S:
label_FSGNJX_S:
label_FMIN_S:
label_FMAX_S:
label_FEQ_S:
label_FLT_S:
label_FLE_S:
label_FCLASS_S:
label_FCVT_W_S:
label_FCVT_WU_S:
label_FCVT_L_S:
label_FCVT_LU_S:
label_FCVT_S_W:
label_FCVT_S_WU:
label_FCVT_S_L:
label_FCVT_S_LU:
label_FMV_X_W:
label_FMV_W_X:
label_FSGNJ_D:
label_FSGNJN_D:
label_FSGNJX_D:
label_FMIN_D:
label_FMAX_D:
label_FEQ_D:
label_FLT_D:
label_FLE_D:
label_FCLASS_D:
label_FCVT_W_D:
label_FCVT_WU_D:
label_FCVT_L_D:
label_FCVT_LU_D:
label_FCVT_D_W:
label_FCVT_D_WU:
label_FCVT_D_L:
label_FCVT_D_LU:
label_FMV_X_D:
label_FMV_D_X:
label_FCVT_S_D:
label_FCVT_D_S:
float_operation:
    if (unlikely(!fpu_execute(hart, op))) {
        goto illegal;
    }
    NEXT();

label_CSR:
    EXACT();
    if (unlikely(!hart_csr_execute(hart, op))) {
        goto illegal;
    }
    tlb = hart->tlb;
    if (unlikely(hart->leave)) {
        goto leave_after;
    }
    NEXT();

label_SRET:
    if (unlikely(s->privilege != HART_SUPERVISOR)) {
        goto illegal;
    }
    hart_sret(hart);
    budget -= RETIRED() + 1;
    s->position = limit - budget;
    if (hart_deliverable(hart) != 0) {
        return 0;
    }
    pc = s->pc;
    tlb = hart->tlb;
    goto jump;

label_SFENCE_VMA:
    /* No translation is ever stale (tlb.h). */
    if (unlikely(s->privilege != HART_SUPERVISOR)) {
        goto illegal;
    }
    NEXT();

label_WFI:
    if (unlikely(s->privilege != HART_SUPERVISOR)) {
        goto illegal;
    }
    EXACT();
    s->pc += 4;
    s->position++;
    hart->idle = !hart_has_interrupt(hart);
    return 0;

label_ECALL:
    EXACT();
    if (s->privilege == HART_USER) {
        hart->trap_cause = CAUSE_USER_ECALL;
        hart->trap_value = 0;
        goto trap;
    }
    /* The callback may set the pc, even reset the hart. */
    s->pc += 4;
    if (hart->callbacks.sbi_call != NULL) {
        fpu_release(hart);
        hart->callbacks.sbi_call(hart->callbacks.context);
        fpu_acquire(hart);
    }
    s->position++;
    return 0;

label_EBREAK:
    EXACT();
    hart->trap_cause = CAUSE_BREAKPOINT;
    hart->trap_value = s->pc;
    goto trap;

label_ILLEGAL:
    goto illegal;
}
