/* Products and quotients. */
#include "vmm/riscv/jit/x86_64/emitter.h"

void emit_multiply(struct back_end *e, const struct ir_op *op)
{
    bool wide = !op->word;
    unsigned to = result_in(e, op->dst, RAX);
    unsigned a = op->dst == op->b ? op->b : op->a;
    unsigned b = op->dst == op->b ? op->a : op->b;

    copy(e, wide, to, a);
    if (b != 0 && !in_host(e, b)) {
        op_rm(&e->a, 0x0faf, wide, to, x_at(b)); /* imul */
    } else {
        op_rr(&e->a, 0x0faf, wide, to, wide ? use(e, b, RCX) : use_word(e, b, RCX));
    }
    set_result(e, op->dst, to, op->word);
}

void emit_multiply_high(struct back_end *e, const struct ir_op *op)
{
    bool is_signed = op->code == IR_MULTIPLY_HIGH;
    unsigned b = use(e, op->b, RCX);

    copy(e, true, RAX, op->a);
    unary_r(&e->a, true, is_signed ? 5 : 4, b); /* imul, mul: into rdx:rax */
    if (op->code == IR_MULTIPLY_HIGH_MIXED) {
        /* Of a negative a, b was added once too often. */
        copy(e, true, RAX, op->a);
        shift_ri(&e->a, SHIFT_SAR, true, RAX, 63);
        alu_rr(&e->a, ALU_AND, true, RAX, b);
        alu_rr(&e->a, ALU_SUB, true, RDX, RAX);
    }
    set_result(e, op->dst, RDX, false);
}

/* Neither division by zero nor overflow traps: unprivileged specification, chapter 7.2. */
void emit_divide(struct back_end *e, const struct ir_op *op)
{
    bool wide = !op->word;
    bool is_signed = op->code == IR_DIVIDE || op->code == IR_REMAINDER;
    bool remainder = op->code == IR_REMAINDER || op->code == IR_REMAINDER_UNSIGNED;
    uint8_t *by_zero, *by_minus_one = NULL, *done[2] = {NULL, NULL};

    copy(e, wide, RCX, op->b);
    copy(e, wide, RAX, op->a);
    test_rr(&e->a, wide, RCX, RCX);
    by_zero = jump_short_if(&e->a, CC_EQUAL);
    if (is_signed) {
        alu_ri(&e->a, ALU_CMP, wide, RCX, -1);
        by_minus_one = jump_short_if(&e->a, CC_EQUAL);
        sign_into_rdx(&e->a, wide);
        unary_r(&e->a, wide, 7, RCX); /* idiv */
    } else {
        alu_rr(&e->a, ALU_XOR, false, RDX, RDX);
        unary_r(&e->a, wide, 6, RCX); /* div */
    }
    if (remainder) {
        mov_rr(&e->a, true, RAX, RDX);
    }
    done[0] = jump_short(&e->a);
    if (is_signed) {
        bind_short_here(&e->a, by_minus_one);
        if (remainder) {
            alu_rr(&e->a, ALU_XOR, false, RAX, RAX);
        } else {
            unary_r(&e->a, wide, 3, RAX); /* neg */
        }
        done[1] = jump_short(&e->a);
    }
    bind_short_here(&e->a, by_zero);
    if (!remainder) {
        mov_ri(&e->a, RAX, -1);
    }
    bind_short_here(&e->a, done[0]);
    if (done[1] != NULL) {
        bind_short_here(&e->a, done[1]);
    }
    set_result(e, op->dst, RAX, op->word);
}
