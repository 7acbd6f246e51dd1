#include "logging/scratch.h"

#define ALIGNMENT  16u
#define BLOCK_SIZE (32u * 1024)

struct scratch_block {
    struct scratch_block *next;
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

static void *allocate(void *scratch, size_t size)
{
    return scratch_alloc(scratch, size);
}

/* All at once, in scratch_free(). */
static void release(void *scratch, void *pointer)
{
    (void)scratch;
    (void)pointer;
}

void scratch_init(struct scratch *scratch, const struct memory *memory, size_t budget)
{
    scratch->allocator.alloc = allocate;
    scratch->allocator.free = release;
    scratch->allocator.allocator_data = scratch;
    scratch->memory = memory;
    scratch->at = scratch->first;
    scratch->left = sizeof(scratch->first);
    scratch->budget = budget;
    scratch->out_of_memory = false;
    scratch->blocks = NULL;
}

void scratch_free(struct scratch *scratch)
{
    while (scratch->blocks != NULL) {
        struct scratch_block *block = scratch->blocks;

        scratch->blocks = block->next;
        memory_release(scratch->memory, block);
    }
}

static bool add_block(struct scratch *scratch, size_t least)
{
    size_t size = least > BLOCK_SIZE ? least : BLOCK_SIZE;
    struct scratch_block *block;

    if (size > scratch->budget) {
        size = least;
    }
    if (size > scratch->budget) {
        return false;
    }
    block = memory_allocate(scratch->memory, sizeof(*block) + size);
    if (block == NULL) {
        scratch->out_of_memory = true;
        return false;
    }
    block->next = scratch->blocks;
    scratch->blocks = block;
    scratch->budget -= size;
    scratch->at = block->bytes;
    scratch->left = size;
    return true;
}

void *scratch_alloc(struct scratch *scratch, size_t size)
{
    void *start;

    if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > scratch->left && !add_block(scratch, size)) {
        return NULL;
    }
    start = scratch->at;
    scratch->at += size;
    scratch->left -= size;
    return start;
}
