/* One region, from its entry to the last of its cold code. */
#include "vmm/riscv/jit/back_end.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/riscv/jit/jit.h"
#include "vmm/riscv/jit/x86_64/emitter.h"

#define ENTRY_ALIGNMENT 16u
#define KILLED_BYTES    10 /* that back_end_kill() writes */

static uint8_t *align(uint8_t *at)
{
    return (uint8_t *)(((uintptr_t)at + ENTRY_ALIGNMENT - 1) & ~(uintptr_t)(ENTRY_ALIGNMENT - 1));
}

bool back_end_create(struct hart *hart)
{
    struct jit *jit = hart->jit;
    struct back_end *e = calloc(1, sizeof *e);

    if (e == NULL) {
        return false;
    }
    jit->back_end = e;
    e->hart = hart;
    e->jit = jit;
    e->has_bmi2 = __builtin_cpu_supports("bmi2");
    e->has_fma = __builtin_cpu_supports("fma");
    e->a.at = jit->memory.writable;
    emit_thunks(e);
    jit->memory.used = (size_t)(align(e->a.at) - jit->memory.writable);
    return true;
}

void back_end_destroy(struct jit *jit)
{
    free(jit->back_end);
}

static void emit_op(struct back_end *e, const struct ir_op *op)
{
    switch (op->code) {
    case IR_NOP: break;
    case IR_LOAD: emit_load(e, op); break;
    case IR_STORE: emit_store(e, op); break;
    case IR_LOAD_FLOAT:
    case IR_STORE_FLOAT: emit_access_float(e, op); break;
    case IR_ATOMIC: emit_atomic(e, op); break;
    case IR_FLOAT: emit_float(e, op); break;
    case IR_CSR: emit_csr(e, op); break;
    case IR_BRANCH:
    case IR_JUMP:
    case IR_JUMP_INDIRECT:
    case IR_TRAP_RETURN:
    case IR_ENVIRONMENT_CALL:
    case IR_TRANSLATION_FENCE:
    case IR_INTERPRET: emit_control(e, op); break;
    default: emit_integer(e, op); break;
    }
}

static void begin_group(struct back_end *e, unsigned index)
{
    const struct ir_region *region = e->region;
    unsigned group = region->ops[index].group;

    if (group == 0 || region->groups[group - 1].first != index) {
        return;
    }
    if (group == 1 || region->groups[group - 2].first < region->blocks[e->block].first) {
        struct plain_start *start = &e->plain_starts[e->block];
        start->known = e->known;
        start->join_count = e->join_count;
        memcpy(start->joins, e->joins, sizeof start->joins);
    }
    emit_anchor(e, &region->groups[group - 1]);
    e->group = &region->groups[group - 1];
}

static void end_group(struct back_end *e, unsigned index)
{
    if (e->group != NULL && (unsigned)(e->group->last) == index) {
        e->group = NULL;
    }
}

static void take_budget(struct back_end *e, const struct ir_block *block)
{
    unsigned all = block->instructions;

    if (block->skips.count == 0) {
        alu_ri(&e->a, ALU_SUB, true, HOST_BUDGET, (int32_t)all);
        add_cold(e, COLD_TAIL, NULL, jump_if(&e->a, CC_SIGN));
        return;
    }
    alu_ri(&e->a, ALU_CMP, true, HOST_BUDGET, (int32_t)all);
    add_cold(e, COLD_TAIL, NULL, jump_if(&e->a, CC_LESS));
    alu_ri(&e->a, ALU_SUB, true, HOST_BUDGET, (int32_t)skips_certain(&block->skips, 0, all));
}

static void emit_block(struct back_end *e, unsigned place)
{
    const struct ir_block *block = &e->region->blocks[place];

    e->block = place;
    begin_places(e);
    e->looks_ahead = assign_look_ahead(e->region, block, &e->horizon);
    e->join_count = 0;
    e->done_before = 0;
    e->labels[place] = e->a.at;
    take_budget(e, block);
    for (unsigned i = block->first; i < (unsigned)block->first + block->count && has_room(e); i++) {
        if (i < e->done_before) {
            end_group(e, i);
            continue;
        }
        emit_joins(e, i);
        emit_charge(e, i);
        choose_places(e, &e->region->ops[i]);
        begin_group(e, i);
        emit_op(e, &e->region->ops[i]);
        end_group(e, i);
    }
}

static void begin_plain(struct back_end *e, const struct plain_start *start)
{
    set_known(e, &start->known);
    e->join_count = start->join_count;
    memcpy(e->joins, start->joins, sizeof e->joins);
    for (unsigned i = 0; i < e->join_count; i++) {
        e->joins[i].from = NULL;
    }
}

/* The block from its first group on, without groups. */
static void emit_plain_copy(struct back_end *e, unsigned place)
{
    const struct ir_block *block = &e->region->blocks[place];
    unsigned end = block->first + block->count;
    unsigned first = block->first;

    while (first < end && e->region->ops[first].group == 0) {
        first++;
    }
    if (first == end) {
        return;
    }
    e->block = place;
    begin_plain(e, &e->plain_starts[place]);
    e->looks_ahead = assign_look_ahead(e->region, block, &e->horizon);
    e->done_before = 0;
    for (unsigned i = first; i < end && has_room(e); i++) {
        if (i < e->done_before) {
            continue;
        }
        emit_joins(e, i);
        if (i > first) {
            emit_charge(e, i);
        }
        e->plain_labels[i] = e->a.at;
        e->plain_known[i] = e->known;
        choose_places(e, &e->region->ops[i]);
        emit_op(e, &e->region->ops[i]);
    }
}

/* What a block goes on to, if that is a block of the region that has no place yet: behind it. */
static unsigned next_block(const struct back_end *e, unsigned place)
{
    const struct ir_block *block = &e->region->blocks[place];
    const struct ir_op *last = &e->region->ops[block->first + block->count - 1];

    if (block->count > 0 && last->code == IR_JUMP && last->target != IR_OUTSIDE &&
        e->labels[last->target] == NULL) {
        return last->target;
    }
    for (unsigned i = 0; i < e->region->block_count; i++) {
        if (e->labels[i] == NULL) {
            return i;
        }
    }
    return REGION_BLOCKS;
}

static void emit_region(struct back_end *e)
{
    if (!has_room(e)) {
        return;
    }
    enter_from_home(e);
    for (unsigned place = 0; place < REGION_BLOCKS; place = next_block(e, place)) {
        emit_block(e, place);
    }
    for (unsigned i = 0; i < e->region->block_count; i++) {
        emit_plain_copy(e, i);
    }
    while (e->colds_emitted < e->cold_count && has_room(e)) {
        struct cold cold = e->colds[e->colds_emitted];
        emit_cold(e, &cold);
        e->colds_emitted++;
    }
}

const uint8_t *back_end_translate(struct hart *hart, const struct ir_region *region)
{
    struct jit *jit = hart->jit;
    struct back_end *e = jit->back_end;
    uint8_t *entry;

    e->a.at = align(jit->memory.writable + jit->memory.used);
    entry = e->a.at;
    e->end = jit->memory.writable + jit->memory.size;
    e->region = region;
    e->cold_count = 0;
    e->colds_emitted = 0;
    e->fixup_count = 0;
    e->out_of_room = false;
    e->group = NULL;
    memset(e->labels, 0, sizeof e->labels);
    assign_region(region, &e->assignment);
    emit_region(e);
    if (e->out_of_room) {
        return NULL;
    }
    assert(e->a.at - entry >= KILLED_BYTES);
    for (unsigned i = 0; i < e->fixup_count; i++) {
        bind_jump(e->fixups[i].displacement, e->labels[e->fixups[i].block]);
    }
    jit->memory.used = (size_t)(e->a.at - jit->memory.writable);
    return code_memory_executable(&jit->memory, entry);
}

void back_end_patch_jump(struct jit *jit, const uint8_t *jump, const uint8_t *target)
{
    bind_jump(code_memory_writable(&jit->memory, jump), code_memory_writable(&jit->memory, target));
}

void back_end_kill(struct jit *jit, const uint8_t *entry, uint16_t offset)
{
    struct back_end *e = jit->back_end;

    e->a.at = code_memory_writable(&jit->memory, entry);
    mov_ri(&e->a, RAX, JIT_EXIT_DEAD | (int64_t)offset << JIT_EXIT_BITS);
    jump_to_exit(e, e->exit);
    assert(e->a.at == code_memory_writable(&jit->memory, entry) + KILLED_BYTES);
}

void back_end_enter(struct hart *hart, const uint8_t *code)
{
    void (*enter)(struct hart *, const uint8_t *) =
        (void (*)(struct hart *, const uint8_t *))(uintptr_t)hart->jit->back_end->enter;
    enter(hart, code);
}

bool jit_is_available(void)
{
    return __builtin_cpu_supports("popcnt");
}
