#include "vmm/riscv/jit/group.h"

/* With fewer accesses, to translate them at once costs more than it saves. */
#define SMALLEST_GROUP 3u
#define PAGE_BYTES     4096

/* The accesses with one base since that register was written. */
struct candidate {
    struct ir_group group;
    unsigned count;
};

static bool is_access(const struct ir_op *op)
{
    return op->code == IR_LOAD || op->code == IR_STORE || op->code == IR_LOAD_FLOAT ||
           op->code == IR_STORE_FLOAT;
}

static void add_access(struct candidate *candidate, const struct ir_op *op, unsigned index)
{
    struct ir_group *group = &candidate->group;
    int32_t end = (int32_t)op->imm + op->size;

    if (candidate->count++ == 0) {
        *group = (struct ir_group){
            .first = (uint16_t)index, .base = op->a, .lowest = (int32_t)op->imm, .highest = end};
    }
    group->last = (uint16_t)index;
    group->lowest = op->imm < group->lowest ? (int32_t)op->imm : group->lowest;
    group->highest = end > group->highest ? end : group->highest;
    if (op->code == IR_STORE || op->code == IR_STORE_FLOAT) {
        group->stores = true;
    } else {
        group->loads = true;
    }
}

/* The candidate takes the place of smaller groups that it overlaps, unless they are worth more. */
static void settle(struct ir_region *region, struct candidate *candidate, unsigned sizes[])
{
    unsigned overlapped = 0;
    unsigned kept = region->group_count;
    unsigned count = candidate->count;

    candidate->count = 0;
    if (count < SMALLEST_GROUP || candidate->group.highest - candidate->group.lowest > PAGE_BYTES) {
        return;
    }
    while (kept > 0 && region->groups[kept - 1].last >= candidate->group.first) {
        overlapped += sizes[--kept];
    }
    if (overlapped < count && kept < REGION_GROUPS) {
        region->groups[kept] = candidate->group;
        sizes[kept] = count;
        region->group_count = kept + 1;
    }
}

static void settle_all(struct ir_region *region, struct candidate candidates[32], unsigned sizes[])
{
    for (unsigned reg = 1; reg < 32; reg++) {
        settle(region, &candidates[reg], sizes);
    }
}

/* What began among the operations that a branch to `index` skips must not go on behind them. */
static void settle_skipped(struct ir_region *region, const struct ir_block *block, unsigned index,
                           struct candidate candidates[32], unsigned sizes[])
{
    for (unsigned i = block->first; i < index; i++) {
        if (region->ops[i].skip_to != index) {
            continue;
        }
        for (unsigned reg = 1; reg < 32; reg++) {
            if (candidates[reg].count > 0 && candidates[reg].group.first > i) {
                settle(region, &candidates[reg], sizes);
            }
        }
    }
}

static void mark(struct ir_region *region)
{
    for (unsigned i = 0; i < region->group_count; i++) {
        const struct ir_group *group = &region->groups[i];
        for (unsigned j = group->first; j <= group->last; j++) {
            struct ir_op *op = &region->ops[j];
            if (is_access(op) && op->a == group->base) {
                op->group = (uint8_t)(i + 1);
            }
        }
    }
}

void find_groups(struct ir_region *region)
{
    struct candidate candidates[32] = {0};
    unsigned sizes[REGION_GROUPS];

    region->group_count = 0;
    for (unsigned i = 0; i < region->block_count; i++) {
        const struct ir_block *block = &region->blocks[i];
        for (unsigned j = block->first; j < (unsigned)block->first + block->count; j++) {
            const struct ir_op *op = &region->ops[j];
            settle_skipped(region, block, j, candidates, sizes);
            if (is_access(op) && op->a != 0) {
                add_access(&candidates[op->a], op, j);
            }
            settle(region, &candidates[op->dst], sizes);
            if (op->code == IR_CSR) {
                /* A change of sstatus changes what is mapped. */
                settle_all(region, candidates, sizes);
            }
        }
        settle_all(region, candidates, sizes);
    }
    mark(region);
}
