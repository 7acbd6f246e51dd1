/* Branches, jumps, and what changes the mode. */
#include "vmm/riscv/jit/x86_64/emitter.h"

static bool is_last(const struct back_end *e, const struct ir_op *op)
{
    return op->index + 1u == e->region->blocks[e->block].instructions;
}

static void emit_skip(struct back_end *e, const struct ir_op *op);

static void emit_branch(struct back_end *e, const struct ir_op *op)
{
    if (op->skip_to != 0) {
        if (!emit_converted(e, op)) {
            emit_skip(e, op);
        }
        return;
    }
    bool inside = op->target != IR_OUTSIDE && is_last(e, op);

    if (inside) {
        /* What both ways would have to do. */
        widen(e, e->known.narrow);
        e->known.narrow = 0;
        settle_places(e);
    }
    enum host_condition condition = emit_compare(e, op->condition, op, op->compared);
    uint8_t *taken = jump_if(&e->a, condition);
    if (inside) {
        add_fixup(e, taken, op->target);
    } else {
        add_cold(e, COLD_BRANCH, op, taken);
    }
}

/* Registers that operations read or write. */
static uint32_t registers_of(const struct back_end *e, unsigned from, unsigned to)
{
    uint32_t registers = 0;

    for (unsigned i = from; i < to; i++) {
        const struct ir_op *op = &e->region->ops[i];
        registers |= guest_bit(op->dst) | guest_bit(op->a);
        if (op->b != IR_IMMEDIATE) {
            registers |= guest_bit(op->b);
        }
        if (op->group != 0) {
            registers |= guest_bit(e->region->groups[op->group - 1].base);
        }
    }
    return registers;
}

/* Registers stay narrow over what is skipped only if nothing there touches them: then they are so
 * on both ways. Branches that join at one place leave the same ones narrow. */
static void emit_skip(struct back_end *e, const struct ir_op *op)
{
    unsigned index = (unsigned)(op - e->region->ops);
    uint32_t stay = ~registers_of(e, index + 1, op->skip_to);
    struct join *join = &e->joins[e->join_count++];

    for (unsigned i = 0; i < e->join_count - 1; i++) {
        if (e->joins[i].op == op->skip_to) {
            stay &= e->joins[i].known.narrow;
        }
    }
    widen(e, e->known.narrow & ~stay);
    e->known.narrow &= stay;
    enum host_condition condition = emit_compare(e, op->condition, op, op->compared);
    *join = (struct join){.from = jump_if(&e->a, condition), .op = op->skip_to, .known = e->known};
}

void emit_joins(struct back_end *e, unsigned index)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < e->join_count; i++) {
        const struct join *join = &e->joins[i];
        if (join->op == index) {
            widen(e, e->known.narrow & ~join->known.narrow);
            e->known.narrow &= join->known.narrow;
        }
    }
    for (unsigned i = 0; i < e->join_count; i++) {
        struct join join = e->joins[i];
        if (join.op != index) {
            e->joins[kept++] = join;
            continue;
        }
        if (join.from != NULL) {
            bind_jump_here(&e->a, join.from);
        }
        e->known.extended &= join.known.extended;
        e->known.float_boxed &= join.known.float_boxed;
        e->known.float_enabled &= join.known.float_enabled;
        e->known.float_dirty &= join.known.float_dirty;
        e->known.dirty |= join.known.dirty;
    }
    e->join_count = kept;
}

void emit_charge(struct back_end *e, unsigned index)
{
    const struct ir_block *block = &e->region->blocks[e->block];
    const struct ir_op *op = &e->region->ops[index];
    bool begins = index == block->first || op[-1].index != op->index;
    unsigned charge = skips_charge(&block->skips, op->index);

    if (begins && charge != 0) {
        alu_ri(&e->a, ALU_SUB, true, HOST_BUDGET, (int32_t)charge);
    }
}

static void emit_jump(struct back_end *e, const struct ir_op *op)
{
    widen(e, e->known.narrow);
    e->known.narrow = 0;
    /* The block that it leads to comes right behind, if it has no place yet. */
    if (op->target == IR_OUTSIDE || e->labels[op->target] != NULL) {
        go_to_target(e, op);
    } else {
        settle_places(e);
    }
}

static void emit_jump_indirect(struct back_end *e, const struct ir_op *op)
{
    unsigned base = use(e, op->a, RAX);

    if (op->imm != 0) {
        lea(&e->a, true, RAX, at_offset(base, (int32_t)op->imm));
    } else {
        mov_rr(&e->a, true, RAX, base);
    }
    alu_ri(&e->a, ALU_AND, true, RAX, -2);
    if (op->dst != 0) {
        unsigned to = result_in(e, op->dst, RCX);
        load(&e->a, true, to, SHARED_FIELD(page));
        alu_ri(&e->a, ALU_ADD, true, to, (int32_t)(op->guest->offset + op_length(op->guest)));
        set_result(e, op->dst, to, false);
    }
    widen(e, e->known.narrow);
    e->known.narrow = 0;
    leave_to_home(e);
    go_to_pc(e);
}

void require_privilege(struct back_end *e, const struct ir_op *op, unsigned privilege)
{
    alu_mi(&e->a, ALU_CMP, false, HART_FIELD(state.privilege), (int32_t)privilege);
    add_cold(e, COLD_INTERPRET, op, jump_if(&e->a, CC_NOT_EQUAL));
}

static void emit_change_of_privilege(struct back_end *e, const struct ir_op *op,
                                     const uint8_t *function)
{
    widen(e, e->known.narrow);
    e->known.narrow = 0;
    /* The home first: what is written back must not overwrite what the function writes. */
    mov_ri(&e->a, RDX, where_of(e, op));
    leave_to_home(e);
    call_shared(e, function);
    bind_jump(jump_if(&e->a, CC_NOT_EQUAL), code_memory_writable(&e->jit->memory, e->exit_status));
    go_to_pc(e);
}

void emit_control(struct back_end *e, const struct ir_op *op)
{
    switch (op->code) {
    case IR_BRANCH: emit_branch(e, op); break;
    case IR_JUMP: emit_jump(e, op); break;
    case IR_JUMP_INDIRECT: emit_jump_indirect(e, op); break;
    case IR_TRAP_RETURN:
        require_privilege(e, op, HART_SUPERVISOR);
        emit_change_of_privilege(e, op, e->call_trap_return);
        break;
    case IR_ENVIRONMENT_CALL:
        require_privilege(e, op, HART_USER);
        emit_change_of_privilege(e, op, e->call_user_call);
        break;
    case IR_TRANSLATION_FENCE: require_privilege(e, op, HART_SUPERVISOR); break;
    default: /* IR_INTERPRET */ add_cold(e, COLD_INTERPRET, op, jump(&e->a)); break;
    }
}
