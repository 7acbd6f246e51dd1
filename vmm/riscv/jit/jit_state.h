/*
 * The inside of the JIT, for the files of this folder: translations, what they were made from, and
 * the jumps between them.
 */
#ifndef VMM_RISCV_JIT_JIT_STATE_H
#define VMM_RISCV_JIT_JIT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/jit/code_memory.h"
#include "vmm/riscv/jit/ir.h"

struct hart;

/* At any of these limits all translations are dropped. Index 0 is never used. */
#define JIT_REGIONS (1u << 16)
#define JIT_EDGES   (1u << 18)
#define JIT_MEMBERS (1u << 18)

/* A translated region. Dead once any of its guest code was written. */
struct region {
    const uint8_t *entry; /* NULL: dead */
    uint32_t head;        /* the decoded block that it begins with */
    uint32_t first_in;    /* edges that are linked to it */
    uint32_t first_out;   /* edges that leave it: consecutive */
    uint32_t count_out;
};

/* A direct jump to another block of the same page. Until its target is translated it goes to its
 * own stub, which leaves with JIT_EXIT_EDGE. */
struct edge {
    const uint8_t *jump; /* the back end's place to patch */
    const uint8_t *stub;
    uint32_t to; /* region; 0: not linked */
    uint32_t next_in;
    uint32_t previous_in;
    uint16_t offset; /* of the target within the page */
};

/* That a region was made from a block, in the list of that block. */
struct member {
    uint32_t block;
    uint32_t region;
    uint32_t next;
};

/* Code by the physical address of its first instruction, so that a jump which is new in an address
 * space finds what is known in others. */
struct known_code {
    uint64_t physical; /* odd: none */
    const uint8_t *code;
};
#define JIT_KNOWN_CODE (1u << 14) /* a power of two */

struct jit {
    struct code_memory memory;
    size_t fixed; /* bytes of it that outlive a flush: entry and exits */
    struct back_end *back_end;

    struct known_code *known; /* JIT_KNOWN_CODE */
    struct region *regions;
    struct edge *edges;
    struct member *members;
    uint32_t region_count;
    uint32_t edge_count;
    uint32_t member_count;

    uint64_t translations;
    uint64_t alive;
    uint64_t flushes;
    uint64_t invalidations;

    struct ir_region ir; /* of the region under translation */
    struct perf_map *perf_map;
};

/* Where the jump cache keeps a jump to pc. */
struct jit_jump *jit_jump_for(struct hart *hart, uint64_t pc);
/* Where code at a physical address is known, or would be. */
static inline struct known_code *jit_known_code(struct jit *jit, uint64_t physical)
{
    return &jit->known[(physical >> 1 ^ physical >> 15) & (JIT_KNOWN_CODE - 1)];
}
/* Brings shared.timer_pending up to date. */
void jit_note_deadline(struct hart *hart);
/* Translates the region that begins with a hot block. NULL: it cannot be. May drop all others. */
struct region *region_translate(struct hart *hart, uint32_t head);
/* Makes the edge jump to the region from now on. */
void region_link(struct jit *jit, uint32_t edge, struct region *region);
/* A new edge of the region under translation, 0 if there are too many. */
uint32_t region_add_edge(struct jit *jit, uint16_t offset);

#endif
