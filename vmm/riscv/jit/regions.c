/* The life of translations: made, linked to each other, dropped. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/back_end.h"
#include "vmm/riscv/jit/jit.h"
#include "vmm/riscv/jit/jit_state.h"
#include "vmm/riscv/jit/lower.h"
#include "vmm/riscv/jit/perf_map.h"

/* How many operations a region may have so that a cache of this size holds a few of them. */
static unsigned largest_region(const struct jit *jit)
{
    size_t most = (jit->memory.size - jit->fixed) / BACK_END_BYTES_PER_OP / 2;
    return most < REGION_OPS ? (unsigned)most : REGION_OPS;
}

static void forget_known_code(struct jit *jit)
{
    memset(jit->known, 0xff, JIT_KNOWN_CODE * sizeof *jit->known);
}

/* Of a block that cannot be translated. */
#define NEVER_HOT UINT32_MAX

bool jit_create(struct hart *hart)
{
    struct jit *jit = calloc(1, sizeof *jit);

    static_assert(BLOCK_OPS <= 1u << JIT_OP_BITS, "an operation is named by its index");
    if (!jit_is_available() || jit == NULL) {
        free(jit);
        return false;
    }
    hart->jit = jit;
    jit->known = malloc(JIT_KNOWN_CODE * sizeof *jit->known);
    jit->regions = calloc(JIT_REGIONS, sizeof *jit->regions);
    jit->edges = calloc(JIT_EDGES, sizeof *jit->edges);
    jit->members = calloc(JIT_MEMBERS, sizeof *jit->members);
    if (jit->known == NULL || jit->regions == NULL || jit->edges == NULL || jit->members == NULL ||
        !code_memory_create(&jit->memory, hart->config.code_cache_size < HART_MIN_CODE_CACHE
                                              ? HART_MIN_CODE_CACHE
                                              : hart->config.code_cache_size) ||
        !back_end_create(hart)) {
        return false;
    }
    hart->shared.ram_delta = hart->memory.start - (uint64_t)(uintptr_t)hart->memory.host;
    hart->shared.box = UINT64_C(0xffffffff00000000);
    jit->fixed = jit->memory.used;
    jit->region_count = 1;
    jit->edge_count = 1;
    jit->member_count = 1;
    jit_forget_jumps(hart);
    forget_known_code(jit);
    return !hart->config.perf_map || perf_map_open(&jit->perf_map);
}

void jit_destroy(struct hart *hart)
{
    struct jit *jit = hart->jit;

    if (jit != NULL) {
        perf_map_close(jit->perf_map);
        back_end_destroy(jit);
        code_memory_destroy(&jit->memory);
        free(jit->known);
        free(jit->regions);
        free(jit->edges);
        free(jit->members);
        free(jit);
        hart->jit = NULL;
    }
}

void jit_get_counters(const struct hart *hart, struct hart_counters *counters)
{
    const struct jit *jit = hart->jit;

    if (jit != NULL) {
        counters->translations = jit->translations;
        counters->translations_alive = jit->alive;
        counters->code_bytes = jit->memory.used;
        counters->code_capacity = jit->memory.size;
        counters->code_flushes = jit->flushes;
        counters->invalidations = jit->invalidations;
    }
}

void jit_forget_jumps(struct hart *hart)
{
    /* An odd key matches no jump. */
    memset(hart->shared.jumps, 0xff, sizeof hart->shared.jumps);
}

void jit_drop_all(struct hart *hart)
{
    struct jit *jit = hart->jit;
    struct block *blocks = hart->blocks.blocks;

    if (jit == NULL) {
        return;
    }
    for (uint32_t i = 1; i < jit->member_count; i++) {
        struct block *block = &blocks[jit->members[i].block];
        block->members = 0;
        block->region = 0;
        block->cool = hart->config.hot_after;
    }
    jit->region_count = 1;
    jit->edge_count = 1;
    jit->member_count = 1;
    jit->alive = 0;
    jit->memory.used = jit->fixed;
    jit_forget_jumps(hart);
    forget_known_code(jit);
}

/* ---- Edges ---- */

uint32_t region_add_edge(struct jit *jit, uint16_t offset)
{
    if (jit->edge_count == JIT_EDGES) {
        return 0;
    }
    jit->edges[jit->edge_count] = (struct edge){.offset = offset};
    return jit->edge_count++;
}

void region_link(struct jit *jit, uint32_t index, struct region *region)
{
    struct edge *edge = &jit->edges[index];

    assert(edge->to == 0 && region->entry != NULL);
    edge->to = (uint32_t)(region - jit->regions);
    edge->previous_in = 0;
    edge->next_in = region->first_in;
    if (region->first_in != 0) {
        jit->edges[region->first_in].previous_in = index;
    }
    region->first_in = index;
    back_end_patch_jump(jit, edge->jump, region->entry);
}

static void unlink_edge(struct jit *jit, uint32_t index)
{
    struct edge *edge = &jit->edges[index];

    if (edge->previous_in != 0) {
        jit->edges[edge->previous_in].next_in = edge->next_in;
    } else {
        jit->regions[edge->to].first_in = edge->next_in;
    }
    if (edge->next_in != 0) {
        jit->edges[edge->next_in].previous_in = edge->previous_in;
    }
    edge->to = 0;
    back_end_patch_jump(jit, edge->jump, edge->stub);
}

/* ---- Regions ---- */

static void kill(struct hart *hart, struct region *region)
{
    struct jit *jit = hart->jit;
    struct block *head = &hart->blocks.blocks[region->head];

    while (region->first_in != 0) {
        unlink_edge(jit, region->first_in);
    }
    for (uint32_t i = 0; i < region->count_out; i++) {
        if (jit->edges[region->first_out + i].to != 0) {
            unlink_edge(jit, region->first_out + i);
        }
    }
    if (jit_known_code(jit, head->physical)->code == region->entry) {
        jit_known_code(jit, head->physical)->physical = UINT64_MAX;
    }
    back_end_kill(jit, region->entry, (uint16_t)(head->physical & PAGE_MASK));
    region->entry = NULL;
    head->region = 0;
    head->cool = hart->config.hot_after;
    jit->alive--;
    jit->invalidations++;
}

void jit_block_killed(struct hart *hart, uint32_t index)
{
    struct jit *jit = hart->jit;
    struct block *block = &hart->blocks.blocks[index];

    if (jit == NULL) {
        return;
    }
    for (uint32_t i = block->members; i != 0; i = jit->members[i].next) {
        struct region *region = &jit->regions[jit->members[i].region];
        if (region->entry != NULL) {
            kill(hart, region);
        }
    }
    block->members = 0;
}

static void flush(struct hart *hart)
{
    jit_drop_all(hart);
    hart->jit->flushes++;
}

static bool has_room(const struct jit *jit)
{
    size_t bytes = (size_t)jit->ir.op_count * BACK_END_BYTES_PER_OP;

    return jit->region_count < JIT_REGIONS && jit->member_count + REGION_BLOCKS < JIT_MEMBERS &&
           jit->memory.used + bytes < jit->memory.size;
}

static void enlist(struct hart *hart, uint32_t index)
{
    struct jit *jit = hart->jit;

    for (unsigned i = 0; i < jit->ir.block_count; i++) {
        uint32_t block = jit->ir.blocks[i].index;
        jit->members[jit->member_count] = (struct member){
            .block = block, .region = index, .next = hart->blocks.blocks[block].members};
        hart->blocks.blocks[block].members = jit->member_count++;
    }
}

static struct region *translate(struct hart *hart, uint32_t head)
{
    struct jit *jit = hart->jit;
    struct region *region = &jit->regions[jit->region_count];

    *region = (struct region){.head = head, .first_out = jit->edge_count};
    region->entry = back_end_translate(hart, &jit->ir);
    if (region->entry == NULL) {
        jit->edge_count = region->first_out;
        return NULL;
    }
    return region;
}

/* What does not fit is tried again in an empty cache, and then without all but its first block. */
static struct region *make_room_and_translate(struct hart *hart, uint32_t head)
{
    struct jit *jit = hart->jit;
    struct region *region;

    select_region(hart, head, largest_region(jit), &jit->ir);
    if (!has_room(jit)) {
        flush(hart);
    }
    region = translate(hart, head);
    if (region == NULL) {
        flush(hart);
        region = translate(hart, head);
    }
    if (region == NULL) {
        select_region(hart, head, 0, &jit->ir);
        region = translate(hart, head);
    }
    return region;
}

struct region *region_translate(struct hart *hart, uint32_t head)
{
    struct jit *jit = hart->jit;
    struct region *region = make_room_and_translate(hart, head);

    if (region == NULL) {
        hart->blocks.blocks[head].cool = NEVER_HOT;
        return NULL;
    }
    region->count_out = jit->edge_count - region->first_out;
    hart->blocks.blocks[head].region = jit->region_count;
    if (hart->blocks.blocks[head].second_page == BLOCK_NO_PAGE) {
        uint64_t physical = hart->blocks.blocks[head].physical;
        *jit_known_code(jit, physical) =
            (struct known_code){.physical = physical, .code = region->entry};
    }
    enlist(hart, jit->region_count);
    jit->region_count++;
    jit->translations++;
    jit->alive++;
    if (jit->perf_map != NULL) {
        const uint8_t *end = jit->memory.executable + jit->memory.used;
        perf_map_add(jit->perf_map, region->entry, (size_t)(end - region->entry), hart->state.pc);
    }
    return region;
}
