#include "vmm/riscv/jit/assign.h"

#include <string.h>

/* Uses that moving a register in and out is worth. */
#define MOVE_COST 12u

/* sp, s0, s1, a0 to a5: what compilers use most, most of all in compressed instructions. */
static const uint8_t home[ASSIGN_REGISTERS] = {2, 8, 9, 10, 11, 12, 13, 14, 15};

void assign_home(struct assignment *assignment)
{
    memset(assignment->place_of, ASSIGN_MEMORY, sizeof assignment->place_of);
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        assignment->guest_in[i] = home[i];
        assignment->place_of[home[i]] = (uint8_t)i;
    }
    assignment->anchor = ASSIGN_MEMORY;
    assignment->written = 0;
    memset(assignment->float_place_of, ASSIGN_MEMORY, sizeof assignment->float_place_of);
    assignment->float_count = 0;
    assignment->float_written = 0;
}

static void count_uses(const struct ir_region *region, unsigned uses[32], uint32_t *written)
{
    for (unsigned i = 0; i < region->block_count; i++) {
        const struct ir_block *block = &region->blocks[i];
        for (unsigned j = 0; j < block->count; j++) {
            const struct ir_op *op = &region->ops[block->first + j];
            if (op->group == 0) {
                uses[op->a] += block->weight;
            }
            if (op->b != IR_IMMEDIATE) {
                uses[op->b] += block->weight;
            }
            /* A result in memory makes whoever reads it wait. */
            uses[op->dst] += 2u * block->weight;
            *written |= UINT32_C(1) << op->dst;
        }
    }
    uses[0] = 0;
    *written &= ~UINT32_C(1);
}

static void count_float_uses(const struct ir_region *region, unsigned uses[32], uint32_t *written)
{
    for (unsigned i = 0; i < region->block_count; i++) {
        const struct ir_block *block = &region->blocks[i];
        for (unsigned j = 0; j < block->count; j++) {
            struct ir_float_use use = ir_float_use(&region->ops[block->first + j]);
            for (unsigned reg = 0; reg < 32; reg++) {
                uses[reg] += block->weight * ((use.read >> reg & 1) + 2 * (use.written >> reg & 1));
            }
            *written |= use.written;
        }
    }
}

static void assign_floats(const struct ir_region *region, struct assignment *assignment)
{
    unsigned uses[32] = {0};

    count_float_uses(region, uses, &assignment->float_written);
    while (assignment->float_count < ASSIGN_FLOATS) {
        unsigned best = 0;
        for (unsigned reg = 1; reg < 32; reg++) {
            best = uses[reg] > uses[best] ? reg : best;
        }
        if (uses[best] <= MOVE_COST) {
            return;
        }
        uses[best] = 0;
        assignment->float_place_of[best] = (uint8_t)assignment->float_count;
        assignment->float_in[assignment->float_count++] = (uint8_t)best;
    }
}

static unsigned least_used(const struct assignment *assignment, const unsigned uses[32])
{
    unsigned worst = ASSIGN_REGISTERS;

    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        if (i != assignment->anchor &&
            (worst == ASSIGN_REGISTERS ||
             uses[assignment->guest_in[i]] < uses[assignment->guest_in[worst]])) {
            worst = i;
        }
    }
    return worst;
}

static void put_anchor(struct assignment *assignment, const unsigned uses[32])
{
    unsigned place = least_used(assignment, uses);

    assignment->place_of[assignment->guest_in[place]] = ASSIGN_MEMORY;
    assignment->guest_in[place] = ASSIGN_ANCHOR;
    assignment->anchor = (uint8_t)place;
}

/* Puts those that are used most in the place of those that are used least, while that is worth
 * moving them. */
static void suit_region(struct assignment *assignment, const unsigned uses[32])
{
    for (;;) {
        unsigned best = 0;
        unsigned worst = least_used(assignment, uses);
        for (unsigned reg = 1; reg < 32; reg++) {
            if (assignment->place_of[reg] == ASSIGN_MEMORY && uses[reg] > uses[best]) {
                best = reg;
            }
        }
        if (uses[best] <= uses[assignment->guest_in[worst]] + MOVE_COST) {
            return;
        }
        assignment->place_of[assignment->guest_in[worst]] = ASSIGN_MEMORY;
        assignment->place_of[best] = (uint8_t)worst;
        assignment->guest_in[worst] = (uint8_t)best;
    }
}

void assign_region(const struct ir_region *region, struct assignment *assignment)
{
    unsigned uses[32] = {0};

    assign_home(assignment);
    count_uses(region, uses, &assignment->written);
    if (region->group_count > 0) {
        put_anchor(assignment, uses);
    }
    assign_floats(region, assignment);
    suit_region(assignment, uses);
}
