/*
 * Which guest registers live in host registers.
 *
 * Between regions some guest registers, the same everywhere, are always in host registers: the
 * home. So jumps from region to region move nothing. A region may put others there for as long as
 * it runs, and pays for it where it is entered and left. Within a long block registers change
 * places as they are needed, and are back in those of the region at its end.
 */
#ifndef VMM_RISCV_JIT_ASSIGN_H
#define VMM_RISCV_JIT_ASSIGN_H

#include <stdint.h>

#include "vmm/riscv/jit/ir.h"

#define ASSIGN_REGISTERS 9u
#define ASSIGN_FLOATS    12u
#define ASSIGN_MEMORY    0xffu
#define ASSIGN_ANCHOR    0xfeu

struct assignment {
    /* Guest register in each host register of the back end; ASSIGN_ANCHOR: none, but where in the
     * host the base of a group of accesses points. */
    uint8_t guest_in[ASSIGN_REGISTERS];
    uint8_t place_of[32]; /* the inverse, or ASSIGN_MEMORY */
    uint8_t anchor;       /* place of the anchor, or ASSIGN_MEMORY: there is none */
    uint32_t written;     /* guest registers that the region writes, a bit each */
    /* The same for f registers. None of them has a home: between regions all are in memory. */
    unsigned float_count;
    uint8_t float_in[ASSIGN_FLOATS];
    uint8_t float_place_of[32];
    uint32_t float_written;
};

/* Where the operations of one block read a register, a bit each, from its first on. */
struct assign_horizon {
    uint64_t reads[32][3];
};

/* The home, as between regions. */
void assign_home(struct assignment *assignment);
/* What suits the region. */
void assign_region(const struct ir_region *region, struct assignment *assignment);
/* Looks ahead in a block. False: it is too short for registers to change places. */
bool assign_look_ahead(const struct ir_region *region, const struct ir_block *block,
                       struct assign_horizon *horizon);
/* A place for a register that is in memory, from the operation at `position` of the block on: that
 * of the one which is read again last, if so much later that it is worth the moves. None of `busy`.
 * Or ASSIGN_MEMORY. */
unsigned assign_choose(const struct assign_horizon *horizon,
                       const uint8_t guest_in[ASSIGN_REGISTERS], unsigned position, unsigned guest,
                       uint32_t busy);

#endif
