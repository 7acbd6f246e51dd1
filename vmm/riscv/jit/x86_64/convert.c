/*
 * Branches over one computation, where nobody can predict them: the computation is carried out in
 * any case, and its result is taken or not.
 */
#include "vmm/riscv/jit/x86_64/emitter.h"

static bool is_computation(const struct ir_op *op)
{
    switch (op->code) {
    case IR_CONSTANT:
    case IR_MOVE:
    case IR_ADD:
    case IR_SUB:
    case IR_AND:
    case IR_OR:
    case IR_XOR: return true;
    case IR_SHIFT_LEFT:
    case IR_SHIFT_RIGHT:
    case IR_SHIFT_RIGHT_SIGNED: return op->b == IR_IMMEDIATE;
    default: return false;
    }
}

static void compute_with(struct back_end *e, const struct ir_op *op, enum alu alu)
{
    if (op->b == IR_IMMEDIATE) {
        alu_ri(&e->a, alu, !op->word, RDX, (int32_t)op->imm);
    } else {
        alu_rr(&e->a, alu, !op->word, RDX, op->word ? use_word(e, op->b, RCX) : use(e, op->b, RCX));
    }
}

static void shift_by(struct back_end *e, const struct ir_op *op, enum shift shift)
{
    shift_ri(&e->a, shift, !op->word, RDX, (unsigned)op->imm & (op->word ? 31 : 63));
}

/* All 64 bits of the result, in rdx. */
static void compute(struct back_end *e, const struct ir_op *op)
{
    if (op->code == IR_CONSTANT) {
        mov_ri(&e->a, RDX, op->imm);
        return;
    }
    copy(e, !op->word, RDX, op->a);
    switch (op->code) {
    case IR_ADD: compute_with(e, op, ALU_ADD); break;
    case IR_SUB: compute_with(e, op, ALU_SUB); break;
    case IR_AND: compute_with(e, op, ALU_AND); break;
    case IR_OR: compute_with(e, op, ALU_OR); break;
    case IR_XOR: compute_with(e, op, ALU_XOR); break;
    case IR_SHIFT_LEFT: shift_by(e, op, SHIFT_SHL); break;
    case IR_SHIFT_RIGHT: shift_by(e, op, SHIFT_SHR); break;
    case IR_SHIFT_RIGHT_SIGNED: shift_by(e, op, SHIFT_SAR); break;
    default: break; /* IR_MOVE */
    }
    if (op->word) {
        sign_extend_word(&e->a, RDX, RDX);
    }
}

bool emit_converted(struct back_end *e, const struct ir_op *branch)
{
    const struct ir_op *op = branch + 1;

    if (!branch->unpredictable || &e->region->ops[branch->skip_to] != branch + 2 ||
        !is_computation(op) || op->dst == 0 || !in_host(e, op->dst)) {
        return false;
    }
    unsigned to = use(e, op->dst, RAX);
    compute(e, op);
    enum host_condition taken = emit_compare(e, branch->condition, branch, branch->compared);
    enum host_condition not_taken = taken ^ 1;
    move_if(&e->a, not_taken, to, RDX);
    /* The instruction counts where it is not skipped. */
    set_condition(&e->a, not_taken, RAX);
    zero_extend_byte(&e->a, RAX, RAX);
    alu_rr(&e->a, ALU_SUB, true, HOST_BUDGET, RAX);
    e->known.dirty |= guest_bit(op->dst);
    e->known.extended &= ~guest_bit(op->dst);
    e->done_before = branch->skip_to;
    return true;
}
