/* Ways out of a region, and what is out of the way of its code. */
#include <assert.h>
#include <string.h>

#include "vmm/riscv/jit/x86_64/emitter.h"

static const struct ir_block *block_of(const struct back_end *e)
{
    return &e->region->blocks[e->block];
}

/* What was taken from the budget for the block and is not used, if it is left before the
 * instruction: that and all behind it, without what may be skipped. */
static unsigned unused_before(const struct back_end *e, const struct ir_op *op)
{
    const struct ir_block *block = block_of(e);
    return skips_certain(&block->skips, op->index, block->instructions);
}

uint32_t where_of(const struct back_end *e, const struct ir_op *op)
{
    uint32_t place = (uint32_t)(op->guest - e->hart->blocks.ops);
    return place | unused_before(e, op) << JIT_OP_BITS;
}

void jump_to_exit(struct back_end *e, const uint8_t *target)
{
    bind_jump(jump(&e->a), code_memory_writable(&e->jit->memory, target));
}

void call_shared(struct back_end *e, const uint8_t *target)
{
    bind_jump(call(&e->a), code_memory_writable(&e->jit->memory, target));
}

void add_fixup(struct back_end *e, uint8_t *displacement, unsigned block)
{
    e->fixups[e->fixup_count] = (struct fixup){displacement, (uint8_t)block};
    if (e->fixup_count < FIXUPS) {
        e->fixup_count++;
    } else {
        e->out_of_room = true;
    }
}

void jump_to_block(struct back_end *e, unsigned block)
{
    add_fixup(e, jump(&e->a), block);
}

static void go_by_edge(struct back_end *e, uint16_t offset)
{
    uint32_t index = region_add_edge(e->jit, offset);
    uint8_t *displacement = jump(&e->a);
    struct edge *edge = &e->jit->edges[index];

    if (index == 0) {
        e->out_of_room = true;
    }
    bind_jump_here(&e->a, displacement);
    edge->jump = code_memory_executable(&e->jit->memory, displacement);
    edge->stub = code_memory_executable(&e->jit->memory, e->a.at);
    mov_ri(&e->a, RAX, JIT_EXIT_EDGE | (int64_t)index << JIT_EXIT_BITS);
    jump_to_exit(e, e->exit);
}

static struct memory_operand jump_field(size_t offset)
{
    return at_index(HOST_HART, RCX, SHARED_FIELD(jumps).displacement + (int32_t)offset);
}

void go_to_pc(struct back_end *e)
{
    const uint8_t *unknown = code_memory_writable(&e->jit->memory, e->exit_jump);

    /* jit_jump_offset() */
    mov_rr(&e->a, false, RCX, RAX);
    shift_ri(&e->a, SHIFT_SHL, false, RCX, 4);
    alu_rm(&e->a, ALU_XOR, false, RCX, SHARED_FIELD(jump_mix));
    alu_ri(&e->a, ALU_AND, false, RCX, (JIT_JUMPS - 1) * (int32_t)sizeof(struct jit_jump));
    load(&e->a, true, RDX, HART_FIELD(jump_salt));
    alu_rm(&e->a, ALU_CMP, true, RAX, jump_field(offsetof(struct jit_jump, pc)));
    bind_jump(jump_if(&e->a, CC_NOT_EQUAL), unknown);
    alu_rm(&e->a, ALU_CMP, true, RDX, jump_field(offsetof(struct jit_jump, salt)));
    bind_jump(jump_if(&e->a, CC_NOT_EQUAL), unknown);
    alu_ri(&e->a, ALU_AND, true, RAX, ~(int32_t)PAGE_MASK);
    store(&e->a, true, RAX, SHARED_FIELD(page));
    op_rm(&e->a, 0xff, false, 4, jump_field(offsetof(struct jit_jump, code))); /* jmp [] */
}

void go_to_target(struct back_end *e, const struct ir_op *op)
{
    if (op->target != IR_OUTSIDE) {
        settle_places(e);
        jump_to_block(e, op->target);
        return;
    }
    leave_to_home(e);
    /* An instruction at the page's end may straddle into another page: what is there is not known
     * by this page alone. */
    if ((uint64_t)op->imm < PAGE_SIZE - 2) {
        go_by_edge(e, (uint16_t)op->imm);
        return;
    }
    load(&e->a, true, RAX, SHARED_FIELD(page));
    if (op->imm == (int32_t)op->imm) {
        alu_ri(&e->a, ALU_ADD, true, RAX, (int32_t)op->imm);
    } else {
        mov_ri(&e->a, RCX, op->imm);
        alu_rr(&e->a, ALU_ADD, true, RAX, RCX);
    }
    go_to_pc(e);
}

bool has_room(struct back_end *e)
{
    if ((size_t)(e->end - e->a.at) < EMIT_ROOM) {
        e->out_of_room = true;
    }
    return !e->out_of_room;
}

void add_way(struct cold *cold, uint8_t *from)
{
    assert(cold->ways < COLD_WAYS);
    cold->from[cold->ways++] = from;
}

struct cold *add_cold(struct back_end *e, enum cold_kind kind, const struct ir_op *op,
                      uint8_t *from)
{
    struct cold *cold = &e->colds[e->cold_count];

    if (e->cold_count < COLDS) {
        e->cold_count++;
    } else {
        e->out_of_room = true;
    }
    *cold = (struct cold){.kind = (uint8_t)kind,
                          .block = (uint8_t)e->block,
                          .known = e->known,
                          .ways = 1,
                          .from = {from},
                          .op = op,
                          .to_plain = e->group != NULL};
    return cold;
}

static void leave_by_status(struct back_end *e)
{
    /* f registers: written back before the call, and since then by the function itself. Were they
     * read again, to write them once more changes nothing. */
    widen(e, e->known.narrow);
    leave_to_home(e);
    jump_to_exit(e, e->exit_status);
}

static bool leaves_alike(const struct known *a, const struct known *b)
{
    return a->narrow == b->narrow && a->dirty == b->dirty &&
           memcmp(a->guest_in, b->guest_in, sizeof a->guest_in) == 0;
}

/* After a call of the hart's. Who leaves alike leaves by the same code. */
static void check_status(struct back_end *e)
{
    uint8_t *from = jump_if(&e->a, CC_NOT_EQUAL);

    for (unsigned i = e->cold_count; i > e->colds_emitted + 1; i--) {
        struct cold *cold = &e->colds[i - 1];
        if (cold->kind == COLD_STATUS && cold->ways < COLD_WAYS &&
            leaves_alike(&cold->known, &e->known)) {
            add_way(cold, from);
            return;
        }
    }
    add_cold(e, COLD_STATUS, NULL, from);
}

/* No xmm register survives a call. The flags of the shared code do. */
static void call_with_floats(struct back_end *e, const struct ir_op *op, const uint8_t *function)
{
    write_back_floats(e);
    mov_ri(&e->a, RDX, where_of(e, op));
    call_shared(e, function);
    read_back_floats(e);
}

void call_execute(struct back_end *e, const struct ir_op *op)
{
    write_back(e, op->a);
    if (op->b != IR_IMMEDIATE) {
        write_back(e, op->b);
    }
    call_with_floats(e, op, e->call_execute);
    check_status(e);
    read_back(e, op->dst);
}

static void leave_before(struct back_end *e, enum jit_exit reason, unsigned offset, unsigned unused)
{
    widen(e, e->known.narrow);
    leave_to_home(e);
    mov_ri(&e->a, RAX,
           reason | (int64_t)offset << JIT_EXIT_BITS |
               (int64_t)unused << (JIT_EXIT_BITS + JIT_EXIT_OFFSET_BITS));
    jump_to_exit(e, e->exit);
}

static void call_access(struct back_end *e, const struct cold *cold, const uint8_t *function)
{
    call_with_floats(e, cold->op, function);
    check_status(e);
}

/* The plain copy may have widened other registers by now, and have them in other places. */
static void go_to_plain(struct back_end *e, unsigned index)
{
    const struct known *there = &e->plain_known[index];

    widen(e, e->known.narrow);
    move_to(e, there->guest_in, there->dirty);
    bind_jump(jump(&e->a), e->plain_labels[index]);
}

static void resume(struct back_end *e, const struct cold *cold)
{
    if (cold->to_plain) {
        go_to_plain(e, (unsigned)(cold->op - e->region->ops) + 1);
        return;
    }
    bind_jump(jump(&e->a), cold->resume);
}

void emit_cold(struct back_end *e, const struct cold *cold)
{
    const struct ir_op *op = cold->op;

    e->block = cold->block;
    set_known(e, &cold->known);
    for (unsigned i = 0; i < cold->ways; i++) {
        bind_jump_here(&e->a, cold->from[i]);
    }
    switch (cold->kind) {
    case COLD_LOAD:
        call_access(e, cold, e->call_load);
        if (op->dst != 0) {
            set_result(e, op->dst, RAX, false);
        }
        resume(e, cold);
        break;
    case COLD_STORE:
        copy(e, op->size == 8, RCX, op->b);
        call_access(e, cold, e->call_store);
        resume(e, cold);
        break;
    case COLD_ACCESS_FLOAT:
        call_access(e, cold, e->call_access_float);
        resume(e, cold);
        break;
    case COLD_EXECUTE:
        call_execute(e, op);
        resume(e, cold);
        break;
    case COLD_PLAIN: go_to_plain(e, (unsigned)(op - e->region->ops)); break;
    case COLD_BRANCH:
        widen(e, e->known.narrow);
        if (unused_before(e, op) > 1) {
            alu_ri(&e->a, ALU_ADD, true, HOST_BUDGET, (int32_t)unused_before(e, op) - 1);
        }
        go_to_target(e, op);
        break;
    case COLD_TAIL:
        if (block_of(e)->skips.count == 0) {
            alu_ri(&e->a, ALU_ADD, true, HOST_BUDGET, block_of(e)->instructions);
        }
        leave_before(e, JIT_EXIT_TAIL, block_of(e)->offset, 0);
        break;
    case COLD_INTERRUPT:
        leave_before(e, JIT_EXIT_INTERRUPT, op->guest->offset + op_length(op->guest),
                     unused_before(e, op) - 1);
        break;
    case COLD_INTERPRET:
        leave_before(e, JIT_EXIT_INTERPRET, op->guest->offset, unused_before(e, op));
        break;
    default: leave_by_status(e); break;
    }
}
