/* Between translated regions and the interpreter: who runs next. */
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/back_end.h"
#include "vmm/riscv/jit/jit.h"
#include "vmm/riscv/jit/jit_state.h"
#include "vmm/riscv/pte.h"

/* So that a budget never looks negative. */
#define LONGEST_RUN (UINT64_C(1) << 62)

struct jit_jump *jit_jump_for(struct hart *hart, uint64_t pc)
{
    uint32_t offset = jit_jump_offset(pc, hart->shared.jump_mix);
    return &hart->shared.jumps[offset / sizeof(struct jit_jump)];
}

void jit_note_deadline(struct hart *hart)
{
    hart->shared.timer_pending = hart->state.position >= hart->deadline ? INTERRUPT_TIMER : 0;
}

/* A hot block at state.pc: its translation, made now if there is none. */
static const uint8_t *code_of(struct hart *hart, uint32_t index)
{
    struct block *block = &hart->blocks.blocks[index];
    struct region *region =
        block->region != 0 ? &hart->jit->regions[block->region] : region_translate(hart, index);
    struct jit_jump *jump = jit_jump_for(hart, hart->state.pc);

    if (region == NULL) {
        return NULL;
    }
    *jump = (struct jit_jump){.pc = hart->state.pc, .salt = hart->jump_salt, .code = region->entry};
    return region->entry;
}

/* The code at state.pc. If there is none the interpreter runs, up to where there is. NULL: it has
 * come to the end, or to what hart_run() must look at. */
static const uint8_t *next_code(struct hart *hart, uint64_t limit, enum interpretation mode)
{
    const struct jit_jump *jump = jit_jump_for(hart, hart->state.pc);
    uint32_t hot;

    if (jump->pc == hart->state.pc && jump->salt == hart->jump_salt) {
        return jump->code;
    }
    hot = hart_interpret(hart, limit, mode);
    return hot != 0 ? code_of(hart, hot) : NULL;
}

/* Where an edge leads there may be code by now: then it is linked, and its code is next. */
static const uint8_t *follow_edge(struct hart *hart, uint32_t index)
{
    struct jit *jit = hart->jit;
    struct edge *edge = &jit->edges[index];
    uint64_t generation = jit->flushes;
    uint32_t block;

    hart->state.pc = hart->shared.page + edge->offset;
    if (hart->state.position == hart->shared.limit) {
        return NULL;
    }
    block = blocks_at(hart, hart->state.pc);
    if (block == 0 ||
        (hart->blocks.blocks[block].region == 0 && hart->blocks.blocks[block].cool != 0)) {
        return NULL;
    }
    if (hart->blocks.blocks[block].region == 0 && region_translate(hart, block) == NULL) {
        return NULL;
    }
    struct region *region = &jit->regions[hart->blocks.blocks[block].region];
    if (jit->flushes == generation) {
        region_link(jit, index, region);
    }
    return region->entry;
}

/* A function of the hart ended the run of generated code. False: hart_run() must look. */
static bool settle_status(struct hart *hart)
{
    uint32_t status = hart->shared.status;

    hart->shared.status = JIT_STATUS_NONE;
    if (status == JIT_STATUS_TRAP) {
        hart_trap(hart, hart->trap_cause, hart->trap_value);
        hart->state.position++;
        return true;
    }
    hart->state.x[hart->shared.pending_register] = hart->shared.pending_value;
    return false;
}

/* Generated code has returned: brings the state up to date, and says where to go on if that is
 * known. False: hart_run() must look. */
static bool arrive(struct hart *hart, const uint8_t **code)
{
    struct hart_state *s = &hart->state;
    uint32_t detail = hart->shared.exit >> JIT_EXIT_BITS;
    enum jit_exit reason = hart->shared.exit & ((1u << JIT_EXIT_BITS) - 1);

    *code = NULL;
    if (reason == JIT_EXIT_STATUS) {
        return settle_status(hart);
    }
    s->position = hart->shared.limit - (uint64_t)hart->shared.budget;
    if (reason == JIT_EXIT_EDGE) {
        *code = follow_edge(hart, detail);
        return true;
    }
    if (reason == JIT_EXIT_JUMP) {
        s->pc = hart->shared.next_pc;
        return true;
    }
    s->pc = hart->shared.page + (detail & ((1u << JIT_EXIT_OFFSET_BITS) - 1));
    s->position -= detail >> JIT_EXIT_OFFSET_BITS;
    if (reason == JIT_EXIT_DEAD) {
        /* The jump that led here is not to be taken again. */
        jit_jump_for(hart, s->pc)->pc = UINT64_MAX;
        return true;
    }
    if (reason == JIT_EXIT_INTERRUPT) {
        return false;
    }
    hart_interpret(hart, reason == JIT_EXIT_TAIL ? hart->shared.limit : s->position + 1,
                   INTERPRET_ALL);
    return false;
}

/* Where the next run goes on if nothing comes between. */
static void note_cut(struct hart *hart, uint64_t limit)
{
    hart->shared.cut_pc = hart->state.position == limit ? hart->state.pc : UINT64_MAX;
}

void jit_run(struct hart *hart, uint64_t limit)
{
    struct hart_state *s = &hart->state;
    enum interpretation mode = s->pc == hart->shared.cut_pc ? INTERPRET_REST : INTERPRET_TO_HOT;
    const uint8_t *code = NULL;

    if (limit - s->position > LONGEST_RUN) {
        limit = s->position + LONGEST_RUN;
    }
    hart->shared.limit = limit;
    do {
        if (code == NULL) {
            code = next_code(hart, limit, mode);
            if (code == NULL) {
                note_cut(hart, limit);
                return;
            }
        }
        hart->shared.page = s->pc & ~PAGE_MASK;
        hart->shared.budget = (int64_t)(limit - s->position);
        /* The interpreter may have looked at the environment's clock meanwhile. */
        jit_note_deadline(hart);
        back_end_enter(hart, code);
        mode = INTERPRET_TO_HOT;
    } while (arrive(hart, &code) && !hart->leave && s->position < limit);
    note_cut(hart, limit);
}
