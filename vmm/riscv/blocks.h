/*
 * The cache of decoded blocks: straight lines of guest code that lie within one page, keyed by
 * physical address, so that they outlive context switches. An instruction that straddles two pages
 * is a block of its own, keyed by the physical addresses of both.
 *
 * A jump cache in front maps (virtual pc, context, privilege) to a block. Blocks become dead when
 * their bytes are written; a dead block stays in memory until the cache is emptied, so links to it
 * need not be found: whoever enters it looks its address up anew. When the cache is full it is
 * emptied.
 */
#ifndef VMM_RISCV_BLOCKS_H
#define VMM_RISCV_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/op.h"
#include "vmm/riscv/page.h"

#define BLOCK_LENGTH    64u /* instructions */
#define BLOCK_COUNT     (1u << 16)
#define BLOCK_OPS       (1u << 20)
#define BLOCK_HASH_SIZE (1u << 15)
#define JUMP_CACHE_SIZE (1u << 14)
#define BLOCK_NO_PAGE   UINT64_MAX
/* More than any budget, so that to enter a block costs one comparison, dead or alive. */
#define BLOCK_DEAD UINT64_MAX

struct block {
    struct op *ops; /* `count` of them, and a CONTINUE if the last does not end the block */
    uint64_t physical;
    uint64_t second_page; /* physical address of the page that holds the rest, or BLOCK_NO_PAGE */
    uint64_t count;       /* instructions, or BLOCK_DEAD */
    uint32_t bytes;       /* of code */
    uint32_t next_in_hash;
    uint32_t next_in_page[2]; /* of the first and the second page */
    uint32_t cool;            /* times it is to run before it is hot */
    uint32_t region;          /* the JIT's: the translation that begins here, 0: none */
    uint32_t members;         /* the JIT's: list of the translations that hold this block */
};

struct jump_entry {
    uint64_t key;
    struct block *block;
};

struct block_cache {
    struct block *blocks; /* index 0 is not used */
    struct op *ops;
    uint32_t block_count;
    uint32_t op_count;
    uint64_t generation; /* how often the cache was emptied */
    uint64_t decoded;    /* blocks, all told */
    uint64_t flushes;    /* times that the cache was full */
    uint32_t *hash;
    struct jump_entry *jumps;
    struct block tail; /* a copy of the head of some block, cut off by a STOP */
    struct op tail_ops[BLOCK_LENGTH + 1];
};

/* False: out of memory. */
bool blocks_create(struct hart *hart);
void blocks_destroy(struct hart *hart);
/* The block at virtual address `pc`; NULL: trap (mmu.h). May empty the cache. */
struct block *blocks_find(struct hart *hart, uint64_t pc);
/* The index of the block at virtual address `pc`, if it was decoded before; otherwise 0. */
uint32_t blocks_at(struct hart *hart, uint64_t pc);
/* The same by physical address, for blocks within one page. */
uint32_t blocks_known(const struct hart *hart, uint64_t physical);
/* The head of a block, `count` instructions, ended by a STOP. */
struct block *blocks_tail(struct hart *hart, const struct block *block, uint32_t count);
/* Bytes [physical, physical + size) of a page are about to change. */
void blocks_written(struct hart *hart, struct page *page, uint64_t physical, uint64_t size);
void blocks_drop_all(struct hart *hart);
void blocks_forget_jumps(struct hart *hart);

static inline struct jump_entry *jump_entry_for(struct block_cache *cache, uint64_t key)
{
    return &cache->jumps[(key >> 1 ^ key >> 14 ^ key >> 38) & (JUMP_CACHE_SIZE - 1)];
}

#endif
