/* Loads, stores and atomics. Bases hold the first address of a page, or of a tame test's memory. */
#include "tests/riscv/programs/operations.h"

#define TAME_REACH 1016u /* on either side of a tame base, with 8 bytes to spare */

static int32_t offset(struct emitter *e)
{
    if (e->tame) {
        return (int32_t)choose(e->choices, 2 * TAME_REACH) - (int32_t)TAME_REACH;
    }
    switch (choose(e->choices, 8)) {
    case 0: /* across the page's start, or next to it */ return (int32_t)choose(e->choices, 18) - 9;
    case 1: return (int32_t)choose(e->choices, 4096) - 2048;
    default: /* aligned, and few, so that loads see what stores wrote */
        return 8 * ((int32_t)choose(e->choices, 64) - 32);
    }
}

static uint32_t base(struct emitter *e)
{
    static const uint8_t bases[] = {SP, GP, S0};
    if (!e->tame && choose_one_in(e->choices, 24)) {
        return source(e);
    }
    return CHOOSE_FROM(e->choices, bases);
}

static void access_at(struct emitter *e, uint32_t rs1)
{
    int32_t at = offset(e);

    switch (choose(e->choices, 6)) {
    case 0:
    case 1: emit(e, rv_i(at, rs1, choose(e->choices, 7), destination(e), 0x03)); break;
    case 2:
    case 3: emit(e, rv_s(at, source(e), rs1, choose(e->choices, 4), 0x23)); break;
    case 4: emit(e, rv_i(at, rs1, 2 + choose(e->choices, 2), source(e), 0x07)); break;
    default: emit(e, rv_s(at, source(e), rs1, 2 + choose(e->choices, 2), 0x27)); break;
    }
}

void operation_memory(struct emitter *e)
{
    uint32_t rs1 = base(e);
    /* Sometimes as to a stack frame: several with one base. */
    unsigned count = choose_one_in(e->choices, 4) ? 3 + choose(e->choices, 4) : 1;

    for (unsigned i = 0; i < count; i++) {
        access_at(e, rs1);
    }
}

void operation_atomic(struct emitter *e)
{
    static const uint8_t functions[] = {0x00, 0x01, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c};
    uint32_t width = 2 + choose(e->choices, 2);
    uint32_t order = choose(e->choices, 4);
    uint32_t address = e->tame ? (uint32_t)S0 : base(e);

    if (choose_one_in(e->choices, 3)) { /* lr, perhaps a store between, sc */
        emit(e, rv_r(0x02 << 2 | order, 0, address, width, destination(e), 0x2f));
        if (choose_one_in(e->choices, 3)) {
            emit(e, rv_s(0, source(e), address, choose(e->choices, 4), 0x23));
        }
        if (!choose_one_in(e->choices, 6)) {
            emit(e, rv_r(0x03 << 2 | order, source(e), address, width, destination(e), 0x2f));
        }
    } else {
        emit(e, rv_r((uint32_t)CHOOSE_FROM(e->choices, functions) << 2 | order, source(e), address,
                     width, destination(e), 0x2f));
    }
}
