/* Steps that jump. */
#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/step.h"

#define DEPTH_LIMIT    3u
#define LONG_LOOP      64u
#define SHORT_LOOP     4u
#define RECURSION      6u
#define INDIRECT_SLOTS 4u
#define FAR_BACK       1200u /* bytes, less than branches reach */

static const uint8_t conditions[] = {0, 1, 4, 5, 6, 7};

static int32_t distance(unsigned from, unsigned to)
{
    return (int32_t)to - (int32_t)from;
}

/* 0 to `most` steps; single instructions where steps lie too deep within others. */
static void some_steps(struct emitter *e, unsigned most)
{
    unsigned count = choose(e->choices, most + 1);

    if (e->depth >= DEPTH_LIMIT) {
        for (unsigned i = 0; i < count; i++) {
            operation_register(e);
        }
        return;
    }
    e->depth++;
    for (unsigned i = 0; i < count; i++) {
        step(e);
    }
    e->depth--;
}

/* c.beqz, c.bnez; to at most 30 bytes from here. */
static uint32_t short_branch(uint32_t condition, uint32_t short_rs, uint32_t forward)
{
    return (6 + (condition & 1)) << 13 | 1 | (forward >> 3 & 3) << 10 | short_rs << 7 |
           (forward >> 1 & 3) << 3;
}

/* slt, sltu, slti or sltiu and a branch on its result, as compilers emit them. */
static void comparison(struct emitter *e, uint32_t rd)
{
    uint32_t funct3 = 2 + choose(e->choices, 2);
    if (choose(e->choices, 2)) {
        emit(e, rv_r(0, source(e), source(e), funct3, rd, 0x33));
    } else {
        emit(e, rv_i((int32_t)choose(e->choices, 4096), source(e), funct3, rd, 0x13));
    }
}

static void branch_back(struct emitter *e)
{
    unsigned reach = e->used < FAR_BACK ? e->used : FAR_BACK;
    unsigned to = e->used - 2 * choose(e->choices, reach / 2 + 1);

    emit(e, rv_branch(CHOOSE_FROM(e->choices, conditions), source(e), source(e),
                      distance(e->used, to)));
}

void step_branch(struct emitter *e)
{
    uint32_t condition = CHOOSE_FROM(e->choices, conditions);
    uint32_t rs1 = source(e), rs2 = source(e), rd = destination(e);
    uint32_t short_rs = choose(e->choices, 8);
    unsigned kind = choose(e->choices, 7);
    unsigned place;

    if (!e->tame && choose_one_in(e->choices, 8)) {
        branch_back(e);
        return;
    }
    if (kind == 6 && rd != 0) { /* the result of a comparison, and its opposite */
        comparison(e, rd);
        rs1 = rd;
        rs2 = ZERO;
        condition &= 1;
    }
    place = e->used;
    if (kind < 2) {
        emit_16(e, RV_C_NOP);
        operation_register(e);
        if (e->used != place + 6) {
            return; /* at the end of the code */
        }
        e->used = place;
        emit_16(e, kind == 0 ? short_branch(condition, short_rs, 6) : 0xa019 /* c.j +6 */);
        e->used = place + 6;
        return;
    }
    emit(e, RV_NOP);
    if (e->used == place) {
        return;
    }
    some_steps(e, 3);
    if (kind == 2) {
        emit_at(e, place, rv_jal(rd, distance(place, e->used)));
    } else {
        emit_at(e, place, rv_branch(condition, rs1, rs2, distance(place, e->used)));
    }
}

void step_loop(struct emitter *e)
{
    uint32_t counter = nonzero_destination(e);
    uint32_t kept = e->kept;
    bool endless = !e->tame && choose_one_in(e->choices, 12);
    unsigned form = choose(e->choices, 3);
    /* Loops within loops would multiply. */
    int32_t count = 1 + (int32_t)choose(e->choices, e->depth == 0 ? LONG_LOOP : SHORT_LOOP);
    unsigned start;

    emit(e, rv_addi(counter, ZERO, form == 2 ? -count : count));
    start = e->used;
    e->kept |= 1u << counter;
    some_steps(e, 5);
    e->kept = kept;
    if (endless) {
        emit(e, rv_jal(ZERO, distance(e->used, start)));
    } else if (distance(start, e->used) < 4000) {
        emit(e, rv_addi(counter, counter, form == 2 ? 1 : -1));
        emit(e, form == 1 ? rv_blt(ZERO, counter, distance(e->used, start))
                          : rv_bne(counter, ZERO, distance(e->used, start)));
    }
}

/* Any form of a call. */
static void call(struct emitter *e, uint32_t link, unsigned function)
{
    int32_t from_here = distance(e->used, function);

    switch (choose(e->choices, 3)) {
    case 0: emit(e, rv_jal(link, from_here)); break;
    case 1:
        emit(e, rv_auipc(link, (uint32_t)from_here + 0x800));
        emit(e, rv_jalr(link, link, (int32_t)((uint32_t)from_here << 20) >> 20));
        break;
    default:
        emit(e, rv_auipc(link, (uint32_t)from_here + 0x800));
        emit(e, rv_addi(link, link, (int32_t)((uint32_t)from_here << 20) >> 20));
        if (link == RA) {
            emit_16(e, 0x9082); /* c.jalr ra */
        } else {
            emit(e, rv_jalr(link, link, 0));
        }
        break;
    }
}

static void recursive_function(struct emitter *e, uint32_t link, uint32_t counter)
{
    unsigned function = e->used;

    emit(e, rv_addi(SP, SP, -16));
    emit(e, rv_sd(link, 0, SP));
    emit(e, rv_addi(counter, counter, -1));
    emit(e, rv_bge(ZERO, counter, 8));
    emit(e, rv_jal(link, distance(e->used, function)));
    operation_register(e);
    emit(e, rv_ld(link, 0, SP));
    emit(e, rv_addi(SP, SP, 16));
}

void step_call(struct emitter *e)
{
    uint32_t link = choose(e->choices, 4) != 0 ? RA : nonzero_destination(e);
    uint32_t counter = nonzero_destination(e);
    uint32_t kept = e->kept;
    bool recursive = choose_one_in(e->choices, 3);
    unsigned skip = e->used;
    unsigned function;

    if (link == counter || (kept >> link & 1) != 0 || e->used + 128 > e->size) {
        return;
    }
    emit(e, RV_NOP);
    function = e->used;
    e->kept |= 1u << link | 1u << counter;
    if (recursive) {
        recursive_function(e, link, counter);
    } else {
        some_steps(e, 3);
    }
    if (!e->tame && choose_one_in(e->choices, 8)) {
        /* returns to elsewhere */
        emit(e, rv_addi(link, link, 2 * (int32_t)choose(e->choices, 16)));
    }
    if (choose(e->choices, 2)) {
        emit_16(e, 0x8002 | link << 7); /* c.jr */
    } else {
        emit(e, rv_jalr(ZERO, link, (int32_t)choose(e->choices, 2)));
    }
    emit_at(e, skip, rv_jal(ZERO, distance(skip, e->used)));
    e->kept = kept;
    for (unsigned calls = 1 + choose(e->choices, 2); calls > 0; calls--) {
        emit(e, rv_addi(counter, ZERO, (int32_t)choose(e->choices, RECURSION)));
        call(e, link, function);
    }
}

void step_indirect(struct emitter *e)
{
    uint32_t place = nonzero_destination(e), index = nonzero_destination(e);
    uint32_t link = choose(e->choices, 2) ? place : destination(e);
    unsigned first;
    unsigned end;

    if (place == index || e->used + 96 > e->size) {
        return;
    }
    emit(e, rv_andi(index, source(e), INDIRECT_SLOTS - 1));
    emit(e, rv_slli(index, index, 3));
    first = e->used + 12;
    end = first + 8 * INDIRECT_SLOTS;
    emit(e, rv_auipc(place, 0));
    emit(e, rv_add(place, place, index));
    /* Bit 0 of a target is ignored. */
    emit(e, rv_jalr(link, place, 12 + (int32_t)choose(e->choices, 2)));
    while (e->used < end) {
        operation_register(e);
        emit(e, rv_jal(ZERO, distance(e->used, end)));
    }
}
