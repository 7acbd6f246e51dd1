/*
 * Floating point on SSE2, and FMA where the host has it. What the host's instruction does exactly
 * as the guest's is done by it, as in the interpreter; for all else, and for whatever yields a NaN,
 * the hart's own function is called.
 */
#include <assert.h>

#include "vmm/riscv/fpu.h"
#include "vmm/riscv/jit/x86_64/emitter.h"

#define SCRATCH_A 0u
#define SCRATCH_B 1u
#define SCRATCH_C 2u

#define ADDSD     0xf2000f58u
#define MULSD     0xf2000f59u
#define SUBSD     0xf2000f5cu
#define DIVSD     0xf2000f5eu
#define SQRTSD    0xf2000f51u
#define CVTSI2SD  0xf2000f2au
#define CVTTSD2SI 0xf2000f2cu
#define CVTSD2SS  0xf2000f5au
#define CVTSS2SD  0xf3000f5au
#define UCOMISD   0x66000f2eu
#define COMISD    0x66000f2fu
#define PXOR      0x66000fefu
/* Of the packed and double forms above, the single ones. */
#define SCALAR_SINGLE(opcode) (((opcode)&0x00ffffffu) | 0xf3000000u)
#define PLAIN_SINGLE(opcode)  ((opcode)&0x00ffffffu)
/* vfmadd213sd and its neighbours: VEX.66.0F38. */
#define VEX_MAP_0F38 2u
#define VEX_66       1u

struct float_op {
    const struct ir_op *ir;
    const struct op *guest;
    unsigned base; /* the single form */
    bool is_single;
};

void require_float(struct back_end *e, const struct ir_op *op)
{
    if (!e->known.float_enabled) {
        test_mi(&e->a, HART_FIELD(state.sstatus), SSTATUS_FS);
        add_cold(e, COLD_INTERPRET, op, jump_if(&e->a, CC_EQUAL));
        e->known.float_enabled = true;
    }
}

void make_float_dirty(struct back_end *e)
{
    if (!e->known.float_dirty) {
        alu_mi(&e->a, ALU_OR, false, HART_FIELD(state.sstatus), (int32_t)SSTATUS_FS);
        e->known.float_dirty = true;
    }
}

/* The hart's function does it if the condition holds, and comes back behind the operation: from
 * begin_detours() to end_detours(). What is known at the beginning is true wherever one branches
 * off. */
static void begin_detours(struct back_end *e)
{
    e->detoured = e->known;
    e->detour_count = 0;
}

static void detour_if(struct back_end *e, enum host_condition condition)
{
    assert(e->detour_count < COLD_WAYS);
    e->detours[e->detour_count++] = jump_if(&e->a, condition);
}

static void end_detours(struct back_end *e, const struct float_op *op)
{
    struct cold *cold;

    if (e->detour_count == 0) {
        return;
    }
    cold = add_cold(e, COLD_EXECUTE, op->ir, e->detours[0]);
    for (unsigned i = 1; i < e->detour_count; i++) {
        add_way(cold, e->detours[i]);
    }
    cold->known = e->detoured;
    cold->resume = e->a.at;
}

/* The host rounds as the instruction wants it. */
static void require_rounding(struct back_end *e, const struct float_op *op)
{
    unsigned mode = op_rounding_mode(op->guest);

    if (mode != ROUND_DYNAMIC) {
        alu_mi(&e->a, ALU_CMP, false, HART_FIELD(host_rounding), (int32_t)mode);
        detour_if(e, CC_NOT_EQUAL);
    } else {
        alu_mi(&e->a, ALU_CMP, false, HART_FIELD(host_rounding), ROUND_UP);
        detour_if(e, CC_ABOVE);
    }
}

/* A single operand has ones above it, or the hart's function reads it as NaN. */
static void require_boxed(struct back_end *e, const struct float_op *op, unsigned guest)
{
    unsigned host = host_of_float(e, guest);
    struct memory_operand upper = f_at(guest);

    if (!op->is_single || (e->known.float_boxed & guest_bit(guest)) != 0) {
        return;
    }
    if (host == NOT_IN_HOST) {
        upper.displacement += 4;
        alu_mi(&e->a, ALU_CMP, false, upper, -1);
    } else {
        op_rr(&e->a, MOVQ_FROM, true, host, RAX);
        shift_ri(&e->a, SHIFT_SAR, true, RAX, 32);
        alu_ri(&e->a, ALU_CMP, false, RAX, -1);
    }
    detour_if(e, CC_NOT_EQUAL);
}

/* In a register of the host; not to be changed. */
static unsigned operand(struct back_end *e, const struct float_op *op, unsigned guest,
                        unsigned scratch)
{
    unsigned host = host_of_float(e, guest);

    if (host != NOT_IN_HOST) {
        return host;
    }
    op_rm(&e->a, op->is_single ? MOVSS_LOAD : MOVSD_LOAD, false, scratch, f_at(guest));
    return scratch;
}

static void move_float(struct back_end *e, unsigned to, unsigned from)
{
    if (to != from) {
        op_rr(&e->a, MOVAPS, false, to, from);
    }
}

static void set_float(struct back_end *e, const struct float_op *op, bool is_single, unsigned from)
{
    unsigned guest = op->guest->rd;
    unsigned host = host_of_float(e, guest);
    struct memory_operand upper = f_at(guest);

    if (host != NOT_IN_HOST) {
        move_float(e, host, from);
        if (is_single) {
            op_rr(&e->a, ORPS, false, host, HOST_BOX);
        }
    } else {
        op_rm(&e->a, is_single ? MOVSS_STORE : MOVSD_STORE, false, from, f_at(guest));
        if (is_single) {
            upper.displacement += 4;
            store_immediate(&e->a, false, upper, -1);
        }
    }
    /* The hart's function may have written another kind of value only where it wrote a NaN: boxed,
     * too. */
    e->known.float_boxed = is_single ? e->known.float_boxed | guest_bit(guest)
                                     : e->known.float_boxed & ~guest_bit(guest);
}

static uint32_t sized(const struct float_op *op, uint32_t opcode)
{
    return op->is_single ? SCALAR_SINGLE(opcode) : opcode;
}

/* NaNs are canonical in the guest, and raise flags in ways of their own. */
static void detour_if_nan(struct back_end *e, bool is_single, unsigned value)
{
    op_rr(&e->a, is_single ? PLAIN_SINGLE(UCOMISD) : UCOMISD, false, value, value);
    detour_if(e, CC_PARITY);
}

static void emit_arithmetic(struct back_end *e, const struct float_op *op, uint32_t opcode)
{
    begin_detours(e);
    require_rounding(e, op);
    require_boxed(e, op, op->guest->rs1);
    if (opcode == SQRTSD) {
        op_rr(&e->a, sized(op, opcode), false, SCRATCH_A,
              operand(e, op, op->guest->rs1, SCRATCH_B));
    } else {
        require_boxed(e, op, op->guest->rs2);
        unsigned b = operand(e, op, op->guest->rs2, SCRATCH_B);
        move_float(e, SCRATCH_A, operand(e, op, op->guest->rs1, SCRATCH_A));
        op_rr(&e->a, sized(op, opcode), false, SCRATCH_A, b);
    }
    detour_if_nan(e, op->is_single, SCRATCH_A);
    set_float(e, op, op->is_single, SCRATCH_A);
    make_float_dirty(e);
    end_detours(e, op);
}

static void emit_fused(struct back_end *e, const struct float_op *op, unsigned opcode)
{
    begin_detours(e);
    require_rounding(e, op);
    require_boxed(e, op, op->guest->rs1);
    require_boxed(e, op, op->guest->rs2);
    require_boxed(e, op, op->guest->rs3);
    unsigned b = operand(e, op, op->guest->rs2, SCRATCH_B);
    unsigned c = operand(e, op, op->guest->rs3, SCRATCH_C);
    move_float(e, SCRATCH_A, operand(e, op, op->guest->rs1, SCRATCH_A));
    vex_rrr(&e->a, VEX_MAP_0F38, VEX_66, !op->is_single, opcode, SCRATCH_A, b, c);
    detour_if_nan(e, op->is_single, SCRATCH_A);
    set_float(e, op, op->is_single, SCRATCH_A);
    make_float_dirty(e);
    end_detours(e, op);
}

/* comisd and ucomisd raise the flags of flt, fle and of feq; unordered sets all of CF, ZF, PF. */
static void emit_comparison(struct back_end *e, const struct float_op *op)
{
    uint32_t opcode = op->base == OP_FEQ_S ? UCOMISD : COMISD;
    unsigned a, b, to = result_in(e, op->ir->dst, RAX);

    begin_detours(e);
    require_boxed(e, op, op->guest->rs1);
    require_boxed(e, op, op->guest->rs2);
    a = operand(e, op, op->guest->rs1, SCRATCH_A);
    b = operand(e, op, op->guest->rs2, SCRATCH_B);
    op_rr(&e->a, op->is_single ? PLAIN_SINGLE(opcode) : opcode, false, b, a);
    if (op->base == OP_FEQ_S) {
        set_condition(&e->a, CC_NOT_PARITY, RCX);
        set_condition(&e->a, CC_EQUAL, RAX);
        alu_rr(&e->a, ALU_AND, false, RAX, RCX);
    } else {
        set_condition(&e->a, op->base == OP_FLT_S ? CC_ABOVE : CC_ABOVE_EQUAL, RAX);
    }
    if (op->ir->dst != 0) {
        zero_extend_byte(&e->a, to, RAX);
        set_result(e, op->ir->dst, to, false);
    }
    make_float_dirty(e);
    end_detours(e, op);
}

/* Bits of an f register in rax or rcx. */
static void float_to_integer_register(struct back_end *e, unsigned guest, unsigned to)
{
    unsigned host = host_of_float(e, guest);

    if (host == NOT_IN_HOST) {
        load(&e->a, true, to, f_at(guest));
    } else {
        op_rr(&e->a, MOVQ_FROM, true, host, to);
    }
}

static void emit_sign(struct back_end *e, const struct float_op *op)
{
    bool wide = !op->is_single;
    unsigned sign = wide ? 63 : 31;

    begin_detours(e);
    require_boxed(e, op, op->guest->rs1);
    require_boxed(e, op, op->guest->rs2);
    float_to_integer_register(e, op->guest->rs1, RAX);
    if (op->guest->rs1 != op->guest->rs2 || op->base == OP_FSGNJX_S) {
        float_to_integer_register(e, op->guest->rs2, RCX);
        if (op->base == OP_FSGNJN_S) {
            unary_r(&e->a, true, 2, RCX);
        }
        shift_ri(&e->a, SHIFT_SHR, wide, RCX, sign);
        shift_ri(&e->a, SHIFT_SHL, wide, RCX, sign);
        if (op->base == OP_FSGNJX_S) {
            alu_rr(&e->a, ALU_XOR, wide, RAX, RCX);
        } else {
            change_bit_ri(&e->a, BIT_RESET, wide, RAX, sign);
            alu_rr(&e->a, ALU_OR, wide, RAX, RCX);
        }
    } else if (op->base == OP_FSGNJN_S) {
        change_bit_ri(&e->a, BIT_COMPLEMENT, wide, RAX, sign);
    }
    op_rr(&e->a, MOVQ_TO, wide, SCRATCH_A, RAX);
    set_float(e, op, op->is_single, SCRATCH_A);
    make_float_dirty(e);
    end_detours(e, op);
}

static void emit_from_integer(struct back_end *e, const struct float_op *op)
{
    bool wide = op->base != OP_FCVT_S_W;
    unsigned from;

    begin_detours(e);
    require_rounding(e, op);
    if (op->base == OP_FCVT_S_WU) {
        from = use_word(e, op->ir->a, RAX);
        mov_rr(&e->a, false, RAX, from);
        from = RAX;
    } else {
        from = wide ? use(e, op->ir->a, RAX) : use_word(e, op->ir->a, RAX);
    }
    op_rr(&e->a, PXOR, false, SCRATCH_A, SCRATCH_A);
    op_rr(&e->a, sized(op, CVTSI2SD), wide, SCRATCH_A, from);
    set_float(e, op, op->is_single, SCRATCH_A);
    make_float_dirty(e);
    end_detours(e, op);
}

/* Truncation to a signed integer; the least integer may mean that the value was out of range. */
static void emit_truncation(struct back_end *e, const struct float_op *op)
{
    bool wide = op->base == OP_FCVT_L_S;

    begin_detours(e);
    require_boxed(e, op, op->guest->rs1);
    op_rr(&e->a, sized(op, CVTTSD2SI), wide, RAX, operand(e, op, op->guest->rs1, SCRATCH_A));
    alu_ri(&e->a, ALU_CMP, wide, RAX, 1);
    detour_if(e, CC_OVERFLOW);
    if (op->ir->dst != 0) {
        set_result(e, op->ir->dst, RAX, !wide);
    }
    make_float_dirty(e);
    end_detours(e, op);
}

static void emit_conversion(struct back_end *e, const struct float_op *op)
{
    bool to_single = op->guest->code == OP_FCVT_S_D;

    begin_detours(e);
    require_rounding(e, op);
    require_boxed(e, op, op->guest->rs1);
    op_rr(&e->a, to_single ? CVTSD2SS : CVTSS2SD, false, SCRATCH_A,
          operand(e, op, op->guest->rs1, SCRATCH_B));
    detour_if_nan(e, to_single, SCRATCH_A);
    set_float(e, op, to_single, SCRATCH_A);
    make_float_dirty(e);
    end_detours(e, op);
}

static void emit_move_to_x(struct back_end *e, const struct float_op *op)
{
    if (op->ir->dst != 0) {
        float_to_integer_register(e, op->guest->rs1, RAX);
        set_result(e, op->ir->dst, RAX, op->is_single);
    }
}

static void emit_move_from_x(struct back_end *e, const struct float_op *op)
{
    bool wide = !op->is_single;
    unsigned from = wide ? use(e, op->ir->a, RAX) : use_word(e, op->ir->a, RAX);

    op_rr(&e->a, MOVQ_TO, wide, SCRATCH_A, from);
    set_float(e, op, op->is_single, SCRATCH_A);
    make_float_dirty(e);
}

static void emit_by_function(struct back_end *e, const struct float_op *op)
{
    call_execute(e, op->ir);
    e->known.float_boxed &= ~ir_float_use(op->ir).written;
}

void emit_float(struct back_end *e, const struct ir_op *ir)
{
    struct float_op op = {
        .ir = ir,
        .guest = ir->guest,
        .base = ir_float_base(ir->guest->code),
        .is_single = ir->guest->code < OP_FADD_D || ir->guest->code == OP_FCVT_D_S,
    };

    require_float(e, ir);
    switch (op.base) {
    case OP_FADD_S: emit_arithmetic(e, &op, ADDSD); return;
    case OP_FSUB_S: emit_arithmetic(e, &op, SUBSD); return;
    case OP_FMUL_S: emit_arithmetic(e, &op, MULSD); return;
    case OP_FDIV_S: emit_arithmetic(e, &op, DIVSD); return;
    case OP_FSQRT_S: emit_arithmetic(e, &op, SQRTSD); return;
    case OP_FSGNJ_S:
    case OP_FSGNJN_S:
    case OP_FSGNJX_S: emit_sign(e, &op); return;
    case OP_FEQ_S:
    case OP_FLT_S:
    case OP_FLE_S: emit_comparison(e, &op); return;
    case OP_FCVT_S_W:
    case OP_FCVT_S_WU:
    case OP_FCVT_S_L: emit_from_integer(e, &op); return;
    case OP_FMV_X_W: emit_move_to_x(e, &op); return;
    case OP_FMV_W_X: emit_move_from_x(e, &op); return;
    case OP_FCVT_S_D:
    case OP_FCVT_D_S: emit_conversion(e, &op); return;
    default: break;
    }
    if ((op.base == OP_FCVT_W_S || op.base == OP_FCVT_L_S) &&
        op_rounding_mode(op.guest) == ROUND_TO_ZERO) {
        emit_truncation(e, &op);
    } else if (op.base >= OP_FMADD_S && op.base <= OP_FNMADD_S && e->has_fma) {
        static const uint8_t opcodes[] = {0xa9, 0xab, 0xad, 0xaf};
        emit_fused(e, &op, opcodes[op.base - OP_FMADD_S]);
    } else {
        emit_by_function(e, &op);
    }
}
