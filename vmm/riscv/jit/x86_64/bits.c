/* The Zba, Zbb and Zbs extensions, what of it is more than one host instruction. */
#include "vmm/riscv/jit/x86_64/emitter.h"

void emit_shift_add(struct back_end *e, const struct ir_op *op)
{
    struct memory_operand sum;

    if (op->b == 0) {
        copy(e, op->code == IR_SHIFT_ADD, RAX, op->a);
        shift_ri(&e->a, SHIFT_SHL, true, RAX, (unsigned)op->imm);
        set_result(e, op->dst, RAX, false);
        return;
    }
    if (op->code == IR_SHIFT_ADD_ZERO) {
        unsigned a = use_word(e, op->a, RAX);
        mov_rr(&e->a, false, RAX, a); /* also where a is in rax: clears the upper half */
        sum.index = RAX;
    } else {
        sum.index = (uint8_t)use(e, op->a, RAX);
    }
    sum.base = (uint8_t)use(e, op->b, RCX);
    sum.scale = (uint8_t)op->imm;
    sum.displacement = 0;
    unsigned to = result_in(e, op->dst, RAX);
    lea(&e->a, true, to, sum);
    set_result(e, op->dst, to, false);
}

void emit_bit(struct back_end *e, const struct ir_op *op)
{
    /* bts, btr, btc with a register that counts. */
    bool set = op->code == IR_BIT_SET;
    bool clear = op->code == IR_BIT_CLEAR;
    enum bit_change change = set ? BIT_SET : clear ? BIT_RESET : BIT_COMPLEMENT;

    if (op->code == IR_BIT_EXTRACT) {
        if (is_immediate(op)) {
            copy(e, true, RAX, op->a);
            shift_ri(&e->a, SHIFT_SHR, true, RAX, (unsigned)op->imm & 63);
        } else {
            copy(e, false, RCX, op->b);
            copy(e, true, RAX, op->a);
            shift_cl(&e->a, SHIFT_SHR, true, RAX);
        }
        alu_ri(&e->a, ALU_AND, false, RAX, 1);
    } else if (is_immediate(op)) {
        copy(e, true, RAX, op->a);
        change_bit_ri(&e->a, change, true, RAX, (unsigned)op->imm & 63);
    } else {
        unsigned count = use_word(e, op->b, RCX);
        copy(e, true, RAX, op->a);
        op_rr(&e->a, set ? 0x0fab : clear ? 0x0fb3 : 0x0fbb, true, count, RAX);
    }
    set_result(e, op->dst, RAX, false);
}

void emit_count_zeros(struct back_end *e, const struct ir_op *op)
{
    bool leading = op->code == IR_COUNT_LEADING_ZEROS;
    bool wide = !op->word;
    unsigned bits = wide ? 64 : 32;

    /* bsr and bsf leave the result undefined for zero, and say so. */
    copy(e, wide, RCX, op->a);
    mov_ri(&e->a, RAX, leading ? (bits - 1) ^ bits : bits);
    op_rr(&e->a, leading ? 0x0fbd : 0x0fbc, wide, RCX, RCX);
    move_if(&e->a, CC_NOT_EQUAL, RAX, RCX);
    if (leading) {
        alu_ri(&e->a, ALU_XOR, false, RAX, (int32_t)bits - 1);
    }
    set_result(e, op->dst, RAX, false);
}

/* or_combine_bytes() of bits.h */
void emit_combine_bytes(struct back_end *e, const struct ir_op *op)
{
    copy(e, true, RAX, op->a);
    mov_ri(&e->a, RDX, INT64_C(0x7f7f7f7f7f7f7f7f));
    mov_rr(&e->a, true, RCX, RAX);
    alu_rr(&e->a, ALU_AND, true, RCX, RDX);
    alu_rr(&e->a, ALU_ADD, true, RCX, RDX);
    alu_rr(&e->a, ALU_OR, true, RAX, RCX);
    unary_r(&e->a, true, 2, RDX);
    alu_rr(&e->a, ALU_AND, true, RAX, RDX);
    shift_ri(&e->a, SHIFT_SHR, true, RAX, 7);
    op_rr(&e->a, 0x69, true, RAX, RAX); /* imul rax, rax, 0xff */
    put_32(&e->a, 0xff);
    set_result(e, op->dst, RAX, false);
}
