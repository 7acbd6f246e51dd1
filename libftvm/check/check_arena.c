#include "libftvm/check/check_arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (256u * 1024)
#define ALIGNMENT  alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) uint8_t data[];
};

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct arena_block *block = malloc(sizeof *block + size);
    if (block != NULL) {
        block->next = arena->blocks;
        block->used = 0;
        block->size = size;
        arena->blocks = block;
    }
    return block;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        block = add_block(arena, size);
    }
    if (block == NULL) {
        return NULL;
    }
    void *taken = block->data + block->used;
    block->used += size;
    return taken;
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_take(arena, size);
    if (copy != NULL && size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

void arena_release(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
