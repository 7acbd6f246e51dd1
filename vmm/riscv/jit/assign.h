/*
 * Which guest registers live in host registers.
 *
 * Between regions some guest registers, the same everywhere, are always in host registers: the
 * home. So jumps from region to region move nothing. A region with a loop may put others there for
 * as long as it runs, and pays for it where it is entered and left.
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

/* The home, as between regions. */
void assign_home(struct assignment *assignment);
/* What suits the region. */
void assign_region(const struct ir_region *region, struct assignment *assignment);

#endif
