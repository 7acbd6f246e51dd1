#include "vmm/riscv/blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/riscv/decode.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/jit.h"
#include "vmm/riscv/mmu.h"

#define GRANULE_SHIFT 6

bool blocks_create(struct hart *hart)
{
    struct block_cache *cache = &hart->blocks;

    cache->blocks = malloc(BLOCK_COUNT * sizeof *cache->blocks);
    cache->ops = malloc(BLOCK_OPS * sizeof *cache->ops);
    cache->hash = calloc(BLOCK_HASH_SIZE, sizeof *cache->hash);
    cache->jumps = malloc(JUMP_CACHE_SIZE * sizeof *cache->jumps);
    if (cache->blocks == NULL || cache->ops == NULL || cache->hash == NULL ||
        cache->jumps == NULL) {
        return false;
    }
    cache->block_count = 1;
    cache->tail.ops = cache->tail_ops;
    blocks_forget_jumps(hart);
    return true;
}

void blocks_destroy(struct hart *hart)
{
    free(hart->blocks.blocks);
    free(hart->blocks.ops);
    free(hart->blocks.hash);
    free(hart->blocks.jumps);
}

void blocks_forget_jumps(struct hart *hart)
{
    /* An odd key matches no jump. */
    memset(hart->blocks.jumps, 0xff, JUMP_CACHE_SIZE * sizeof *hart->blocks.jumps);
    jit_forget_jumps(hart);
}

static uint32_t *hash_slot(const struct block_cache *cache, uint64_t physical)
{
    return &cache->hash[(physical >> 1 ^ physical >> 16) & (BLOCK_HASH_SIZE - 1)];
}

static uint8_t *ram_at(const struct hart *hart, uint64_t physical)
{
    return hart->memory.host + (physical - hart->memory.start);
}

/* Bits of the granules of [offset, offset + size) within a page. */
static uint64_t granules(uint64_t offset, uint64_t size)
{
    unsigned first = (unsigned)(offset >> GRANULE_SHIFT);
    unsigned last = (unsigned)((offset + size - 1) >> GRANULE_SHIFT);
    return (UINT64_MAX >> (63 - (last - first))) << first;
}

static uint32_t first_part(const struct block *block)
{
    return block->second_page == BLOCK_NO_PAGE ? block->bytes : 2;
}

/* A list of a page goes on through next_in_page[0] of the blocks that begin in it. */
static unsigned list_of(const struct block *block, uint64_t page_address)
{
    return (block->physical & ~PAGE_MASK) == page_address ? 0 : 1;
}

static void enlist(struct hart *hart, uint32_t index, uint64_t page_address)
{
    struct block *block = &hart->blocks.blocks[index];
    struct page *page = page_at(hart, page_address);

    if (page_is_plain(page)) {
        pages_protect(hart, page);
    }
    block->next_in_page[list_of(block, page_address)] = page->first_block;
    page->first_block = index;
}

static void mark_granules(struct hart *hart, const struct block *block)
{
    uint32_t first = first_part(block);

    page_at(hart, block->physical)->code_granules |= granules(block->physical & PAGE_MASK, first);
    if (block->second_page != BLOCK_NO_PAGE) {
        page_at(hart, block->second_page)->code_granules |= granules(0, block->bytes - first);
    }
}

static void delist(struct hart *hart, uint32_t index, uint64_t page_address)
{
    struct block *blocks = hart->blocks.blocks;
    uint32_t *link = &page_at(hart, page_address)->first_block;

    while (*link != index) {
        assert(*link != 0);
        link = &blocks[*link].next_in_page[list_of(&blocks[*link], page_address)];
    }
    *link = blocks[index].next_in_page[list_of(&blocks[index], page_address)];
}

/* Unlinks the block from everything that finds blocks, except the links that jumps hold. */
static void kill(struct hart *hart, uint32_t index)
{
    struct block *block = &hart->blocks.blocks[index];
    uint64_t page_address = block->physical & ~PAGE_MASK;
    uint32_t *link = hash_slot(&hart->blocks, block->physical);

    while (*link != index) {
        assert(*link != 0);
        link = &hart->blocks.blocks[*link].next_in_hash;
    }
    *link = block->next_in_hash;
    delist(hart, index, page_address);
    if (block->second_page != BLOCK_NO_PAGE && block->second_page != page_address) {
        delist(hart, index, block->second_page);
    }
    jit_block_killed(hart, index);
    /* Its operations stay as they are: one of them may be what writes here. */
    block->count = BLOCK_DEAD;
    hart->leave = true;
}

static bool overlaps(uint64_t start, uint64_t size, uint64_t physical, uint64_t count)
{
    return start < physical + count && physical < start + size;
}

void blocks_written(struct hart *hart, struct page *page, uint64_t physical, uint64_t size)
{
    struct block *blocks = hart->blocks.blocks;
    uint64_t page_address = physical & ~PAGE_MASK;
    uint32_t next;

    if ((page->code_granules & granules(physical & PAGE_MASK, size)) == 0) {
        return;
    }
    for (uint32_t index = page->first_block; index != 0; index = next) {
        struct block *block = &blocks[index];
        uint32_t first = first_part(block);
        next = block->next_in_page[list_of(block, page_address)];
        if (overlaps(block->physical, first, physical, size) ||
            (block->second_page != BLOCK_NO_PAGE &&
             overlaps(block->second_page, block->bytes - first, physical, size))) {
            kill(hart, index);
        }
    }
    page->code_granules = 0;
    for (uint32_t index = page->first_block; index != 0; index = next) {
        next = blocks[index].next_in_page[list_of(&blocks[index], page_address)];
        mark_granules(hart, &blocks[index]);
    }
}

void blocks_drop_all(struct hart *hart)
{
    struct block_cache *cache = &hart->blocks;

    jit_drop_all(hart);
    for (uint32_t index = 1; index < cache->block_count; index++) {
        struct block *block = &cache->blocks[index];
        if (block->count != BLOCK_DEAD) {
            struct page *page = page_at(hart, block->physical);
            page->first_block = 0;
            page->code_granules = 0;
            if (block->second_page != BLOCK_NO_PAGE) {
                page = page_at(hart, block->second_page);
                page->first_block = 0;
                page->code_granules = 0;
            }
        }
    }
    memset(cache->hash, 0, BLOCK_HASH_SIZE * sizeof *cache->hash);
    blocks_forget_jumps(hart);
    cache->block_count = 1;
    cache->op_count = 0;
    cache->generation++;
    hart->leave = true;
}

static void decode_straddling(struct hart *hart, struct block *block)
{
    uint16_t halves[2];

    memcpy(&halves[0], ram_at(hart, block->physical), 2);
    memcpy(&halves[1], ram_at(hart, block->second_page), 2);
    decode_instruction((uint32_t)halves[1] << 16 | halves[0], &block->ops[0]);
    block->ops[0].offset = PAGE_SIZE - 2;
    block->count = 1;
    block->bytes = 4;
}

/* What follows a backward branch is seldom reached from before it. */
static bool is_loop(const struct op *op)
{
    return op->code >= OP_BEQ && op->code <= OP_BGEU && op->imm < 0;
}

/* As many instructions as lie wholly within the page, up to the end of a straight line. */
static void decode_line(struct hart *hart, struct block *block)
{
    const uint8_t *page = ram_at(hart, block->physical & ~PAGE_MASK);
    uint32_t start = (uint32_t)(block->physical & PAGE_MASK);
    uint32_t offset = start;

    block->count = 0;
    while (block->count < BLOCK_LENGTH && offset < PAGE_SIZE) {
        struct op *op = &block->ops[block->count];
        uint16_t low;
        uint16_t high = 0;
        memcpy(&low, page + offset, 2);
        if ((low & 3) == 3) {
            if (offset + 4 > PAGE_SIZE) {
                break;
            }
            memcpy(&high, page + offset + 2, 2);
        }
        decode_instruction((uint32_t)high << 16 | low, op);
        op->offset = (uint16_t)offset;
        offset += (low & 3) == 3 ? 4 : 2;
        block->count++;
        if (decode_ends_block(op) || is_loop(op)) {
            break;
        }
    }
    block->bytes = offset - start;
}

static struct block *create_block(struct hart *hart, uint64_t physical, uint64_t second_page)
{
    struct block_cache *cache = &hart->blocks;
    struct block *block;
    struct op *last;
    uint32_t *slot;

    if (cache->block_count == BLOCK_COUNT || cache->op_count + BLOCK_LENGTH + 1 > BLOCK_OPS) {
        blocks_drop_all(hart);
        cache->flushes++;
    }
    cache->decoded++;
    block = &cache->blocks[cache->block_count];
    *block = (struct block){
        .physical = physical, .second_page = second_page, .cool = hart->config.hot_after};
    block->ops = &cache->ops[cache->op_count];
    if (second_page != BLOCK_NO_PAGE) {
        decode_straddling(hart, block);
    } else {
        decode_line(hart, block);
    }
    last = &block->ops[block->count - 1];
    /* CONTINUE has the place of the instruction that follows, perhaps in the next page. */
    block->ops[block->count] = (struct op){
        .code = OP_CONTINUE,
        .imm = (int32_t)((physical & PAGE_MASK) + block->bytes) - last->offset,
        .offset = last->offset,
    };
    cache->op_count += block->count + 1;

    enlist(hart, cache->block_count, physical & ~PAGE_MASK);
    if (second_page != BLOCK_NO_PAGE && second_page != (physical & ~PAGE_MASK)) {
        enlist(hart, cache->block_count, second_page);
    }
    mark_granules(hart, block);
    slot = hash_slot(cache, physical);
    block->next_in_hash = *slot;
    *slot = cache->block_count++;
    return block;
}

static uint32_t known(const struct block_cache *cache, uint64_t physical, uint64_t second_page)
{
    uint32_t index = *hash_slot(cache, physical);

    while (index != 0 && (cache->blocks[index].physical != physical ||
                          cache->blocks[index].second_page != second_page)) {
        index = cache->blocks[index].next_in_hash;
    }
    return index;
}

/* False: trap. */
static bool fetch(struct hart *hart, uint64_t pc, uint64_t *physical, uint64_t *second_page)
{
    *second_page = BLOCK_NO_PAGE;
    if (!mmu_fetch(hart, pc, physical)) {
        return false;
    }
    return (pc & PAGE_MASK) != PAGE_SIZE - 2 || (*ram_at(hart, *physical) & 3) != 3 ||
           mmu_fetch(hart, pc + 2, second_page);
}

struct block *blocks_find(struct hart *hart, uint64_t pc)
{
    uint64_t second_page;
    uint64_t physical;
    uint32_t index;

    if (!fetch(hart, pc, &physical, &second_page)) {
        return NULL;
    }
    index = known(&hart->blocks, physical, second_page);
    return index != 0 ? &hart->blocks.blocks[index] : create_block(hart, physical, second_page);
}

uint32_t blocks_at(struct hart *hart, uint64_t pc)
{
    uint64_t second_page;
    uint64_t physical;

    return fetch(hart, pc, &physical, &second_page) ? known(&hart->blocks, physical, second_page)
                                                    : 0;
}

uint32_t blocks_known(const struct hart *hart, uint64_t physical)
{
    return known(&hart->blocks, physical, BLOCK_NO_PAGE);
}

struct block *blocks_tail(struct hart *hart, const struct block *block, uint32_t count)
{
    struct block *tail = &hart->blocks.tail;

    assert(count < block->count);
    memcpy(tail->ops, block->ops, count * sizeof *tail->ops);
    tail->ops[count] = block->ops[count];
    tail->ops[count].code = OP_STOP;
    tail->count = count;
    return tail;
}
