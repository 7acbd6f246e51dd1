/* F and D. */
#include "tests/riscv/programs/operations.h"

/* Static modes, dynamic; and what is no mode. */
static uint32_t rounding_mode(struct emitter *e)
{
    uint32_t mode = choose(e->choices, 8);
    if (mode > 4) {
        return !e->tame && choose_one_in(e->choices, 16) ? mode : 7;
    }
    return mode;
}

void operation_float(struct emitter *e)
{
    uint32_t format = choose(e->choices, 2);
    uint32_t rs1 = source(e), rs2 = source(e), rd = source(e);
    uint32_t mode = rounding_mode(e);

    switch (choose(e->choices, 14)) {
    case 0:
    case 1:
    case 2:
    case 3: /* fadd, fsub, fmul, fdiv */
        emit(e, rv_float(choose(e->choices, 4), format, rd, rs1, rs2, mode));
        break;
    case 4: emit(e, rv_float(0x0b, format, rd, rs1, 0, mode)); break; /* fsqrt */
    case 5:
    case 6:
    case 7: /* fused */
        emit(e,
             rv_r(source(e) << 2 | format, rs2, rs1, mode, rd, 0x43 | choose(e->choices, 4) << 2));
        break;
    case 8: emit(e, rv_float(0x04, format, rd, rs1, rs2, choose(e->choices, 3))); break;
    case 9: emit(e, rv_float(0x05, format, rd, rs1, rs2, choose(e->choices, 2))); break;
    case 10: /* comparisons */
        emit(e, rv_float(0x14, format, destination(e), rs1, rs2, choose(e->choices, 3)));
        break;
    case 11: /* to and from integers */
        if (choose(e->choices, 2)) {
            emit(e, rv_float(0x18, format, destination(e), rs1, choose(e->choices, 4), mode));
        } else {
            emit(e, rv_float(0x1a, format, rd, rs1, choose(e->choices, 4), mode));
        }
        break;
    case 12: emit(e, rv_float(0x08, format, rd, rs1, !format, mode)); break; /* between formats */
    default:                                                                 /* moves, class */
        if (choose(e->choices, 2)) {
            emit(e, rv_float(0x1c, format, destination(e), rs1, 0, choose(e->choices, 2)));
        } else {
            emit(e, rv_float(0x1e, format, rd, rs1, 0, 0));
        }
        break;
    }
}

void operation_float_control(struct emitter *e)
{
    uint32_t rd = destination(e);

    switch (choose(e->choices, 4)) {
    case 0: /* csrrwi frm; 5 and 6 are no modes, and what uses them is illegal */
        emit(e, 0x00205073 |
                    choose(e->choices, !e->tame && choose_one_in(e->choices, 8) ? 8 : 5) << 15 |
                    rd << 7);
        break;
    case 1: emit(e, 0x00102073 | source(e) << 15 | rd << 7); break; /* csrrs fflags */
    case 2: emit(e, 0x00103073 | source(e) << 15 | rd << 7); break; /* csrrc fflags */
    default: emit(e, 0x00302073 | rd << 7); break;                  /* csrr fcsr */
    }
}
