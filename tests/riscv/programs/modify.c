/* Steps that store where the hart derives something from: page tables and code. */
#include "tests/riscv/programs/layout.h"
#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/privileged.h"
#include "tests/riscv/programs/values.h"

/* Entries of tables, in the middle of what offsets reach from there. */
#define TABLE_MIDDLE 2048

/* Registers that these steps use: what they hold is seen by the steps after them. */
#define PLACE T5
#define VALUE T6

static bool may_use(const struct emitter *e)
{
    return (e->kept & (1u << PLACE | 1u << VALUE)) == 0;
}

/* Which entry of a table. */
static uint32_t some_entry(struct emitter *e, uint32_t frame)
{
    if (frame < FRAME_LOW_LEAVES || frame == FRAME_HIGH_MIDDLE) { /* few are in use */
        return choose_one_in(e->choices, 4) ? 511 : choose(e->choices, 4);
    }
    if (choose_one_in(e->choices, 8)) {
        return choose(e->choices, PROGRAM_LOW_PAGES);
    }
    return FRAME_CODE + choose(e->choices, PROGRAM_PAGES - FRAME_CODE);
}

/* Makes GP point to what an entry of a table of the last level maps. */
static void point_to_page(struct emitter *e, uint32_t frame, uint32_t index)
{
    uint32_t page = index * GUEST_PAGE_SIZE;

    if (frame == FRAME_HIGH_LEAVES) {
        emit_constant(e, GP, (uint32_t)ALIAS_HIGH + page);
    } else {
        emit_address(e, GP, (frame == FRAME_RAM_LEAVES ? (uint32_t)ALIAS_RAM : 0) + page);
    }
}

static void access_page(struct emitter *e)
{
    int32_t at = 8 * (int32_t)choose(e->choices, 16);
    emit(e, choose(e->choices, 2) ? rv_ld(destination(e), at, GP) : rv_sd(source(e), at, GP));
}

/* The old entry is in VALUE, and so is the new one. */
static void change_entry(struct emitter *e, uint32_t frame)
{
    static const uint8_t flags[] = {0x01, 0x02, 0x04, 0x06, 0x08, 0x10, 0x40, 0x80, 0xc0, 0x0e};
    uint32_t flag = CHOOSE_FROM(e->choices, flags);

    switch (choose(e->choices, 8)) {
    case 0:
    case 1:
    case 2: emit(e, rv_xori(VALUE, VALUE, (int32_t)flag)); break;
    case 3: emit(e, rv_ori(VALUE, VALUE, 0xcf)); break;
    case 4: emit(e, rv_andi(VALUE, VALUE, ~(int32_t)flag)); break;
    case 5: /* the frame beside it */ emit(e, rv_xori(VALUE, VALUE, 0x400)); break;
    case 6: /* the same as another entry's */
        emit(e, rv_ld(VALUE, 8 * (int32_t)some_entry(e, frame) - TABLE_MIDDLE, PLACE));
        break;
    default: break; /* the same */
    }
}

void step_table(struct emitter *e)
{
    static const uint8_t tables[] = {FRAME_LOW_LEAVES,     FRAME_LOW_LEAVES,  FRAME_LOW_LEAVES + 1,
                                     FRAME_LOW_LEAVES + 2, FRAME_LOW_MIDDLE,  FRAME_RAM_LEAVES,
                                     FRAME_HIGH_LEAVES,    FRAME_HIGH_LEAVES, FRAME_HIGH_MIDDLE};
    uint32_t frame = CHOOSE_FROM(e->choices, tables);
    bool leaves = (frame >= FRAME_LOW_LEAVES && frame < FRAME_RAM_MIDDLE) ||
                  frame == FRAME_RAM_LEAVES || frame == FRAME_HIGH_LEAVES;
    uint32_t index;
    int32_t at;
    bool watched;

    if (!may_use(e)) {
        return;
    }
    if (choose_one_in(e->choices, 24)) {
        frame = FRAME_ROOTS + choose(e->choices, PROGRAM_SPACES);
        leaves = false;
    }
    index = some_entry(e, frame);
    at = 8 * (int32_t)index - TABLE_MIDDLE;
    watched = leaves && choose(e->choices, 3) != 0;
    if (watched) {
        point_to_page(e, frame, index);
        access_page(e);
    }
    emit_address(e, PLACE, (uint32_t)FRAME_ADDRESS(frame) + TABLE_MIDDLE);
    emit(e, rv_ld(VALUE, at, PLACE));
    change_entry(e, frame);
    if (choose_one_in(e->choices, 12)) {
        emit(e, rv_sw(VALUE, at + 4 * (int32_t)choose(e->choices, 2), PLACE));
    } else {
        emit(e, rv_sd(VALUE, at, PLACE));
    }
    if (choose_one_in(e->choices, 3)) {
        emit(e, rv_sfence_vma(ZERO, ZERO));
    }
    if (watched) {
        access_page(e);
        access_page(e);
    }
}

/* An instruction as bits. */
static uint32_t some_instruction(struct emitter *e)
{
    uint8_t code[64] = {0};
    struct emitter inner = {
        .choices = e->choices, .code = code, .size = sizeof code, .kept = e->kept};
    uint32_t bits;

    switch (choose(e->choices, 8)) {
    case 0: operation_memory(&inner); break;
    case 1: operation_float(&inner); break;
    case 2: operation_compressed(&inner), operation_compressed(&inner); break;
    case 3: emit(&inner, rv_jal(ZERO, 4 + 2 * (int32_t)choose(e->choices, 8))); break;
    case 4: operation_register(&inner); break;
    default: operation_immediate(&inner); break;
    }
    bits = code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16 | (uint32_t)code[3] << 24;
    return bits;
}

/* Where to store, relative to the auipc at `here`; the store itself is at most 24 bytes ahead. */
static int32_t place_near(struct emitter *e)
{
    switch (choose(e->choices, 4)) {
    case 0: return 16 + 2 * (int32_t)choose(e->choices, 8);
    case 1: return -2 * (int32_t)choose(e->choices, 40);
    case 2: return 2 * (int32_t)choose(e->choices, 40);
    default: return 2 * ((int32_t)choose(e->choices, 2000) - 1000);
    }
}

static const uint32_t user_aliases[] = {(uint32_t)ALIAS_USER, (uint32_t)ALIAS_USER_2M,
                                        (uint32_t)ALIAS_USER_1G};
static const uint32_t supervisor_aliases[] = {(uint32_t)ALIAS_LOW_2M, (uint32_t)ALIAS_RAM,
                                              (uint32_t)ALIAS_HIGH_2M, (uint32_t)ALIAS_HIGH};

static uint32_t some_alias(struct emitter *e)
{
    return choose(e->choices, 2) ? CHOOSE_FROM(e->choices, user_aliases)
                                 : CHOOSE_FROM(e->choices, supervisor_aliases);
}

static void emit_place(struct emitter *e, uint32_t alias, uint32_t offset)
{
    if (alias >= (uint32_t)ALIAS_HIGH) {
        emit_constant(e, PLACE, alias + offset);
    } else {
        emit_address(e, PLACE, alias + offset);
    }
}

/* A function of one instruction in a page of data, written and called through two aliases. */
static void write_and_call(struct emitter *e)
{
    bool user = choose(e->choices, 2) != 0;
    uint32_t alias[2];
    uint32_t page = FRAME_DATA + choose(e->choices, PROGRAM_DATA_PAGES);
    uint32_t place =
        page * GUEST_PAGE_SIZE +
        (choose_one_in(e->choices, 4) ? GUEST_PAGE_SIZE - 6 : 8 * choose(e->choices, 8));

    for (unsigned i = 0; i < 2; i++) {
        alias[i] = user ? CHOOSE_FROM(e->choices, user_aliases)
                        : CHOOSE_FROM(e->choices, supervisor_aliases);
    }
    for (unsigned i = 3 + choose(e->choices, 4); i > 0; i--) {
        emit_place(e, CHOOSE_FROM(e->choices, alias), place);
        if (choose(e->choices, 4) != 0) {
            emit_constant(e, VALUE, rv_addi(A0, A0, (int32_t)choose(e->choices, 2048)));
            emit(e, rv_sw(VALUE, 0, PLACE));
        }
        if (choose(e->choices, 2) != 0) {
            emit_constant(e, VALUE, RV_RET);
            emit(e, rv_sw(VALUE, 4, PLACE));
        }
        if (choose(e->choices, 2) != 0) {
            emit(e, rv_jalr(RA, PLACE, 0));
        }
    }
}

static void store_code(struct emitter *e, int32_t at)
{
    switch (choose(e->choices, 6)) {
    case 0: emit(e, rv_sh(VALUE, at, PLACE)); break;
    case 1: emit(e, rv_sd(VALUE, at & ~7, PLACE)); break;
    case 2: emit(e, rv_sb(VALUE, at + 1, PLACE)); break;
    default: emit(e, rv_sw(VALUE, at, PLACE)); break;
    }
}

void step_modify(struct emitter *e)
{
    uint32_t bits = some_instruction(e);
    int32_t at = place_near(e);

    if (!may_use(e)) {
        return;
    }
    if ((e->kept >> RA & 1) == 0 && choose_one_in(e->choices, 3)) {
        write_and_call(e);
        return;
    }
    if (choose_one_in(e->choices, 3)) { /* a copy of what stands elsewhere */
        emit(e, rv_auipc(VALUE, 0));
        emit(e, rv_lw(VALUE, 2 * ((int32_t)choose(e->choices, 200) - 100), VALUE));
    } else {
        emit_constant(e, VALUE, bits);
    }
    if (choose(e->choices, 2)) {
        emit(e, rv_auipc(PLACE, 0));
    } else {
        emit_place(e, some_alias(e), FRAME_CODE * GUEST_PAGE_SIZE + e->used);
    }
    store_code(e, at);
    if (choose_one_in(e->choices, 3)) {
        emit(e, RV_FENCE_I);
    }
}
