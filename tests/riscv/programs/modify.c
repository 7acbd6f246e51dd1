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

static int32_t entry_offset(struct emitter *e, uint32_t frame)
{
    uint32_t index = choose(e->choices, PROGRAM_LOW_PAGES);

    if (frame < FRAME_LOW_LEAVES || frame == FRAME_HIGH_MIDDLE) { /* few entries are in use */
        index = choose_one_in(e->choices, 4) ? 511 : choose(e->choices, 4);
    } else if (!choose_one_in(e->choices, 8)) {
        index = FRAME_CODE + choose(e->choices, PROGRAM_PAGES - FRAME_CODE);
    }
    return 8 * (int32_t)index - TABLE_MIDDLE;
}

void step_table(struct emitter *e)
{
    static const uint8_t tables[] = {FRAME_LOW_LEAVES,     FRAME_LOW_LEAVES,  FRAME_LOW_LEAVES + 1,
                                     FRAME_LOW_LEAVES + 2, FRAME_LOW_MIDDLE,  FRAME_RAM_LEAVES,
                                     FRAME_HIGH_LEAVES,    FRAME_HIGH_LEAVES, FRAME_HIGH_MIDDLE};
    static const uint8_t flags[] = {0x01, 0x02, 0x04, 0x06, 0x08, 0x10, 0x40, 0x80, 0xc0, 0x0e};
    uint32_t frame = CHOOSE_FROM(e->choices, tables);
    uint32_t flag = CHOOSE_FROM(e->choices, flags);
    int32_t at;

    if (choose_one_in(e->choices, 24)) {
        frame = FRAME_ROOTS + choose(e->choices, PROGRAM_SPACES);
    }
    if (!may_use(e)) {
        return;
    }
    at = entry_offset(e, frame);
    emit_address(e, PLACE, (uint32_t)FRAME_ADDRESS(frame) + TABLE_MIDDLE);
    emit(e, rv_ld(VALUE, at, PLACE));
    switch (choose(e->choices, 8)) {
    case 0:
    case 1:
    case 2: emit(e, rv_xori(VALUE, VALUE, (int32_t)flag)); break;
    case 3: emit(e, rv_ori(VALUE, VALUE, 0xcf)); break;
    case 4: emit(e, rv_andi(VALUE, VALUE, ~(int32_t)flag)); break;
    case 5: /* the frame beside it */ emit(e, rv_xori(VALUE, VALUE, 0x400)); break;
    case 6: /* the same as another entry's */
        emit(e, rv_ld(VALUE, entry_offset(e, frame), PLACE));
        break;
    default: break; /* the same */
    }
    if (choose_one_in(e->choices, 12)) {
        emit(e, rv_sw(VALUE, at + 4 * (int32_t)choose(e->choices, 2), PLACE));
    } else {
        emit(e, rv_sd(VALUE, at, PLACE));
    }
    if (choose_one_in(e->choices, 3)) {
        emit(e, rv_sfence_vma(ZERO, ZERO));
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

void step_modify(struct emitter *e)
{
    static const uint32_t aliases[] = {(uint32_t)ALIAS_USER,   (uint32_t)ALIAS_USER_2M,
                                       (uint32_t)ALIAS_LOW_2M, (uint32_t)ALIAS_RAM,
                                       (uint32_t)ALIAS_RAM,    (uint32_t)ALIAS_USER_1G};
    uint32_t bits = some_instruction(e);
    int32_t at = place_near(e);

    if (!may_use(e)) {
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
    } else { /* this place, through another alias */
        uint32_t here = FRAME_CODE * GUEST_PAGE_SIZE + e->used;
        emit_address(e, PLACE, CHOOSE_FROM(e->choices, aliases) + here);
    }
    switch (choose(e->choices, 6)) {
    case 0: emit(e, rv_sh(VALUE, at, PLACE)); break;
    case 1: emit(e, rv_sd(VALUE, at & ~7, PLACE)); break;
    case 2: emit(e, rv_sb(VALUE, at + 1, PLACE)); break;
    default: emit(e, rv_sw(VALUE, at, PLACE)); break;
    }
    if (choose_one_in(e->choices, 3)) {
        emit(e, RV_FENCE_I);
    }
}
