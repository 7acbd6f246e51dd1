/*
 * Branches forward over some instructions of their own block. They stay within the block's code,
 * and the budget of what they skip is taken only where it is not skipped: at the block's start all
 * of the block must fit into the budget, but only what runs in any case is subtracted.
 */
#ifndef VMM_RISCV_JIT_SKIP_H
#define VMM_RISCV_JIT_SKIP_H

#include <stdbool.h>
#include <stdint.h>

struct block;

#define BLOCK_SKIPS 12u

/* Instructions [first, end) of a block, skipped by the branch before them. Any two of a block are
 * apart, or one is within the other. */
struct skip {
    uint8_t first;
    uint8_t end;
};

struct skips {
    unsigned count; /* in the order of their branches */
    struct skip skip[BLOCK_SKIPS];
};

void find_skips(const struct block *block, struct skips *skips);
/* The skip whose branch is this instruction, or NULL. */
const struct skip *skip_of_branch(const struct skips *skips, unsigned instruction);
/* Instructions from `from` up to `end` that run in any case, once `from` is reached. */
unsigned skips_certain(const struct skips *skips, unsigned from, unsigned end);
/* What is to be subtracted where this instruction is reached from the one before it: 0 unless it is
 * the first of a skip. */
unsigned skips_charge(const struct skips *skips, unsigned instruction);

#endif
