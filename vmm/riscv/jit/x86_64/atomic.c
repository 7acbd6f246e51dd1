/*
 * LR, SC and AMO. There is one hart, and devices touch memory between its instructions only: plain
 * loads and stores will do (atomics.c has the same, and what is not at hand).
 */
#include "vmm/riscv/jit/x86_64/emitter.h"

static struct memory_operand place(void)
{
    return at_offset(RAX, 0);
}

static bool is_word(const struct ir_op *op)
{
    unsigned code = op->guest->code;
    return code == OP_LR_W || code == OP_SC_W || (code >= OP_AMOSWAP_W && code <= OP_AMOMAXU_W);
}

/* Words are sign-extended, which keeps the order of unsigned ones too. */
static void load_place(struct back_end *e, unsigned to, bool word)
{
    if (word) {
        sign_extend_word_at(&e->a, to, place());
    } else {
        load(&e->a, true, to, place());
    }
}

/* Physical address of the place, into rdx. */
static void physical_of_place(struct back_end *e)
{
    mov_rr(&e->a, true, RDX, RAX);
    alu_rm(&e->a, ALU_ADD, true, RDX, SHARED_FIELD(ram_delta));
}

static void emit_load_reserved(struct back_end *e, bool word)
{
    load_place(e, RCX, word);
    physical_of_place(e);
    store_immediate(&e->a, true, HART_FIELD(state.reserved), 1);
    store(&e->a, true, RDX, HART_FIELD(state.reserved_address));
    store(&e->a, true, RCX, HART_FIELD(state.reserved_value));
}

/* rcx: 0 if it was stored */
static void emit_store_conditional(struct back_end *e, const struct ir_op *op, bool word)
{
    uint8_t *failed[3], *done;

    physical_of_place(e);
    load_place(e, RCX, word);
    alu_mi(&e->a, ALU_CMP, true, HART_FIELD(state.reserved), 0);
    failed[0] = jump_short_if(&e->a, CC_EQUAL);
    alu_rm(&e->a, ALU_CMP, true, RDX, HART_FIELD(state.reserved_address));
    failed[1] = jump_short_if(&e->a, CC_NOT_EQUAL);
    alu_rm(&e->a, ALU_CMP, true, RCX, HART_FIELD(state.reserved_value));
    failed[2] = jump_short_if(&e->a, CC_NOT_EQUAL);
    store(&e->a, !word, word ? use_word(e, op->b, RDX) : use(e, op->b, RDX), place());
    mov_ri(&e->a, RCX, 0);
    done = jump_short(&e->a);
    for (unsigned i = 0; i < 3; i++) {
        bind_short_here(&e->a, failed[i]);
    }
    mov_ri(&e->a, RCX, 1);
    bind_short_here(&e->a, done);
    store_immediate(&e->a, true, HART_FIELD(state.reserved), 0);
    store_immediate(&e->a, true, HART_FIELD(state.reserved_address), 0);
    store_immediate(&e->a, true, HART_FIELD(state.reserved_value), 0);
}

/* The result of the operation in rdx, from the old value in rcx. */
static void emit_combination(struct back_end *e, const struct ir_op *op, unsigned code, bool word)
{
    static const uint8_t takes_old[] = {[OP_AMOMIN_W - OP_AMOMIN_W] = CC_LESS,
                                        [OP_AMOMAX_W - OP_AMOMIN_W] = CC_GREATER,
                                        [OP_AMOMINU_W - OP_AMOMIN_W] = CC_BELOW,
                                        [OP_AMOMAXU_W - OP_AMOMIN_W] = CC_ABOVE};

    copy(e, !word, RDX, op->b);
    switch (code) {
    case OP_AMOSWAP_W: break;
    case OP_AMOADD_W: alu_rr(&e->a, ALU_ADD, true, RDX, RCX); break;
    case OP_AMOXOR_W: alu_rr(&e->a, ALU_XOR, true, RDX, RCX); break;
    case OP_AMOAND_W: alu_rr(&e->a, ALU_AND, true, RDX, RCX); break;
    case OP_AMOOR_W: alu_rr(&e->a, ALU_OR, true, RDX, RCX); break;
    default:
        if (word) {
            sign_extend_word(&e->a, RDX, RDX);
        }
        alu_rr(&e->a, ALU_CMP, true, RCX, RDX);
        move_if(&e->a, takes_old[code - OP_AMOMIN_W], RDX, RCX);
        break;
    }
}

static void emit_read_modify_write(struct back_end *e, const struct ir_op *op, bool word)
{
    unsigned code = op->guest->code;

    load_place(e, RCX, word);
    emit_combination(e, op, word ? code : code - (OP_AMOSWAP_D - OP_AMOSWAP_W), word);
    store(&e->a, !word, RDX, place());
}

void emit_atomic(struct back_end *e, const struct ir_op *op)
{
    bool word = is_word(op);
    bool is_load = op->guest->code == OP_LR_W || op->guest->code == OP_LR_D;
    bool is_store = op->guest->code == OP_SC_W || op->guest->code == OP_SC_D;
    struct ir_op access = *op;
    struct cold *cold;

    access.size = word ? 4 : 8;
    if (!word && op->b != 0 && in_host(e, op->b)) {
        use(e, op->b, RDX); /* widened before the paths part */
    }
    cold = add_cold(e, COLD_EXECUTE, op, find_entry(e, &access, 0, !is_load));
    lea(&e->a, true, RAX, at_index(RAX, RCX, 0));
    if (is_load) {
        emit_load_reserved(e, word);
    } else if (is_store) {
        emit_store_conditional(e, op, word);
    } else {
        emit_read_modify_write(e, op, word);
    }
    if (op->dst != 0) {
        set_result(e, op->dst, RCX, false);
    }
    cold->resume = e->a.at;
}
