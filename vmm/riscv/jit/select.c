/* Which decoded blocks become one region. */
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/group.h"
#include "vmm/riscv/jit/lower.h"

#define LOOP_WEIGHT 8u

static bool holds(const struct ir_region *region, uint32_t index, unsigned *place)
{
    for (unsigned i = 0; i < region->block_count; i++) {
        if (region->blocks[i].index == index) {
            *place = i;
            return true;
        }
    }
    return false;
}

static bool has_target(const struct ir_op *op)
{
    return (op->code == IR_BRANCH && op->skip_to == 0) || op->code == IR_JUMP;
}

static unsigned runs_of(const struct hart *hart, uint32_t index)
{
    return hart->config.hot_after - hart->blocks.blocks[index].cool;
}

/* Where a branch is taken, the interpreter comes to a block at its target. How often it did tells
 * how often the branch was taken, if not from elsewhere, too. */
static void judge_skips(const struct hart *hart, struct ir_region *region,
                        const struct ir_block *block)
{
    uint64_t page = hart->blocks.blocks[block->index].physical & ~PAGE_MASK;
    unsigned runs = runs_of(hart, block->index);

    for (unsigned i = block->first; i < (unsigned)block->first + block->count; i++) {
        struct ir_op *op = &region->ops[i];
        if (op->code == IR_BRANCH && op->skip_to != 0) {
            uint32_t target = blocks_known(hart, page + (uint64_t)op->imm);
            unsigned taken = target != 0 ? runs_of(hart, target) : 0;
            /* Nobody counts what is hot: then it may be either way. */
            op->unpredictable =
                taken == hart->config.hot_after || (8 * taken > runs && 8 * taken < 7 * runs);
        }
    }
}

static void append(struct hart *hart, struct ir_region *region, uint32_t index)
{
    const struct block *block = &hart->blocks.blocks[index];
    struct ir_block *into = &region->blocks[region->block_count++];

    *into = (struct ir_block){
        .index = index,
        .offset = (uint16_t)(block->physical & PAGE_MASK),
        .instructions = (uint8_t)block->count,
        .weight = 1,
    };
    lower_block(block, region, into);
    judge_skips(hart, region, into);
}

/* Blocks from the target of a backward jump on up to the jump itself run in a loop. */
static void weigh(struct ir_region *region)
{
    for (unsigned i = 0; i < region->block_count; i++) {
        const struct ir_block *block = &region->blocks[i];
        for (unsigned j = 0; j < block->count; j++) {
            const struct ir_op *op = &region->ops[block->first + j];
            if (has_target(op) && op->target <= i) {
                region->has_loop = true;
                for (unsigned k = op->target; k <= i; k++) {
                    region->blocks[k].weight = LOOP_WEIGHT;
                }
            }
        }
    }
}

void select_region(struct hart *hart, uint32_t head, unsigned max_ops, struct ir_region *region)
{
    uint64_t page = hart->blocks.blocks[head].physical & ~PAGE_MASK;

    region->block_count = 0;
    region->op_count = 0;
    region->has_loop = false;
    append(hart, region, head);
    /* Breadth first: what is near the head comes before what is far. */
    for (unsigned i = 0; i < region->block_count; i++) {
        for (unsigned j = 0; j < region->blocks[i].count; j++) {
            struct ir_op *op = &region->ops[region->blocks[i].first + j];
            uint32_t index;
            unsigned place;
            if (!has_target(op) || (uint64_t)op->imm >= PAGE_SIZE) {
                continue;
            }
            index = blocks_known(hart, page + (uint64_t)op->imm);
            if (index == 0) {
                continue;
            }
            if (!holds(region, index, &place)) {
                if (region->block_count == REGION_BLOCKS ||
                    region->op_count + OPS_OF_BLOCK(hart->blocks.blocks[index].count) > max_ops) {
                    continue;
                }
                place = region->block_count;
                append(hart, region, index);
            }
            op->target = (uint8_t)place;
        }
    }
    weigh(region);
    find_groups(region);
}
