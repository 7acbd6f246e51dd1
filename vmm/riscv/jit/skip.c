#include "vmm/riscv/jit/skip.h"

#include <stddef.h>

#include "vmm/riscv/blocks.h"

static bool is_branch(const struct op *op)
{
    return op->code >= OP_BEQ && op->code <= OP_BGEU;
}

/* The instruction of the block that a branch jumps forward to, 0: none. */
static unsigned target_of(const struct block *block, unsigned branch)
{
    const struct op *op = &block->ops[branch];
    int target = op->offset + op->imm;

    for (unsigned i = branch + 2; op->imm > 0 && i < block->count; i++) {
        if (block->ops[i].offset == target) {
            return i;
        }
    }
    return 0;
}

static bool fits(const struct skips *skips, struct skip added)
{
    for (unsigned i = 0; i < skips->count; i++) {
        if (skips->skip[i].end >= added.first && skips->skip[i].end < added.end) {
            return false;
        }
    }
    return skips->count < BLOCK_SKIPS;
}

void find_skips(const struct block *block, struct skips *skips)
{
    skips->count = 0;
    for (unsigned i = 0; i < block->count; i++) {
        struct skip skip = {.first = (uint8_t)(i + 1)};
        if (is_branch(&block->ops[i])) {
            skip.end = (uint8_t)target_of(block, i);
            if (skip.end != 0 && fits(skips, skip)) {
                skips->skip[skips->count++] = skip;
            }
        }
    }
}

const struct skip *skip_of_branch(const struct skips *skips, unsigned instruction)
{
    for (unsigned i = 0; i < skips->count; i++) {
        if (skips->skip[i].first == instruction + 1) {
            return &skips->skip[i];
        }
    }
    return NULL;
}

unsigned skips_certain(const struct skips *skips, unsigned from, unsigned end)
{
    unsigned certain = end - from;
    unsigned reached = from + 1;

    /* Those that begin later, leaving out those within one that was counted. */
    for (unsigned i = 0; i < skips->count; i++) {
        const struct skip *skip = &skips->skip[i];
        if (skip->first >= reached && skip->end <= end) {
            certain -= skip->end - skip->first;
            reached = skip->end;
        }
    }
    return certain;
}

unsigned skips_charge(const struct skips *skips, unsigned instruction)
{
    const struct skip *skip = instruction > 0 ? skip_of_branch(skips, instruction - 1) : NULL;

    return skip != NULL ? skips_certain(skips, skip->first, skip->end) : 0;
}
