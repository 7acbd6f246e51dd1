/* The pairs of manners in which random programs are run. Where there is no JIT, they differ in
 * their cuts and disturbances alone. */
#ifndef TESTS_RISCV_MANNERS_H
#define TESTS_RISCV_MANNERS_H

#include "tests/riscv/lockstep/run.h"

enum pairing {
    PAIR_ENGINES,    /* interpreter whole, JIT in pieces */
    PAIR_JIT_WHOLE,  /* interpreter in pieces, JIT whole */
    PAIR_TINY_CACHE, /* interpreter whole, JIT with little room for code */
    PAIR_HOT,        /* interpreter whole, JIT that translates what is hot only */
    PAIR_CUTS,       /* JIT whole and in pieces */
    PAIR_RELOADS,    /* JIT, and now one engine, now the other in fresh harts */
    PAIR_DROPS,      /* JIT, and JIT that forgets all the time */
    PAIRINGS
};

void manners_choose(enum pairing pairing, struct choices *choices, struct manner manners[2]);

#endif
