/*
 * Cached translations of the guest's virtual addresses, always coherent with the page tables.
 *
 * Every page table entry that a cached translation was derived from is recorded. A store to one
 * drops exactly what was derived from it, at once. So sfence.vma has nothing to do, address space
 * identifiers need not be told apart, and a change of satp or SUM costs a pointer.
 *
 * Translations are cached per context: a root page table and MXR. Within it there is a table of
 * data translations for each of U mode, S mode, and S mode with SUM; behind it a small one of large
 * pages, from which it is filled without a walk; and one of fetch translations for each privilege.
 * Only pages of RAM are cached.
 */
#ifndef VMM_RISCV_TLB_H
#define VMM_RISCV_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/riscv/page.h"

#define TLB_ENTRIES       16384u /* 64 MiB: data that is walked through at random */
#define TLB_LARGE_ENTRIES 128u   /* of 2 MiB */
#define TLB_FETCH_ENTRIES 256u
#define TLB_CONTEXTS      8u    /* then the least recently used one is reused */
#define TLB_TABLES        4096u /* page tables recorded; then all translations are dropped */
#define TLB_FILLED        4096u /* fills that a context remembers, to be cleared quickly */
#define TLB_INVALID       UINT64_MAX
/* Salts occupy bits 62..39 of a jump cache key, where the bits of a canonical address are equal. */
#define TLB_SALT_SHIFT 39

enum tlb_mode { TLB_USER, TLB_SUPERVISOR, TLB_SUPERVISOR_SUM, TLB_MODES };

/* A tag is the virtual page address or TLB_INVALID. It is compared with the address less the
 * offset bits above the access's alignment, so that a misaligned access never matches. Stores at
 * full speed are for pages with a write_tag; where it is missing, `writable` tells a page that may
 * be stored to after pages_before_write(). */
struct tlb_entry {
    uint64_t read_tag;
    uint64_t write_tag;
    uint64_t addend;   /* host address minus virtual address */
    uint64_t writable; /* the page's virtual address | TLB_USER_PAGE if it is one, or invalid */
};
#define TLB_USER_PAGE UINT64_C(1)

/* 2 MiB that one entry of a page table maps, or a part of 1 GiB. */
struct large_entry {
    uint64_t tag; /* the virtual address, or TLB_INVALID */
    uint64_t physical;
    bool user;
    bool readable;
    bool writable;
};
#define TLB_LARGE_SHIFT 21
#define TLB_LARGE_MASK  ((UINT64_C(1) << TLB_LARGE_SHIFT) - 1)

struct fetch_entry {
    uint64_t tag;
    uint64_t physical_page;
};

struct context {
    bool used;
    bool mxr;
    uint64_t root; /* physical address of the root table; CONTEXT_BARE */
    uint64_t last_used;
    uint64_t salt[2]; /* by privilege; xored into the keys of the jump cache */
    struct tlb_entry data[TLB_MODES][TLB_ENTRIES];
    struct large_entry large[TLB_MODES][TLB_LARGE_ENTRIES];
    struct fetch_entry fetch[2][TLB_FETCH_ENTRIES];
    unsigned filled_count; /* over TLB_FILLED: all must be cleared */
    uint16_t filled[TLB_FILLED];
};
#define CONTEXT_BARE UINT64_MAX

/* A page of RAM that cached translations were walked through. */
struct table {
    uint64_t page;         /* physical address */
    uint64_t virtual_base; /* of what its first entry maps, the low 39 bits */
    unsigned level;        /* 2: root, 0: leaf */
    bool ambiguous;        /* also walked at another level or base: dropping means dropping all */
    unsigned used_count;
    uint64_t used[8]; /* entries that a cached translation depends on */
    uint64_t exec[8]; /* of these, entries that a fetch translation depends on */
    uint16_t next_free;
};

struct translations {
    struct context *contexts[TLB_CONTEXTS];
    struct context *current;
    uint64_t use_count;
    uint64_t salt_count;
    struct table *tables; /* TLB_TABLES */
    uint16_t first_free;  /* 1 + index */
    unsigned free_count;
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

/* False: out of memory. */
bool tlb_create(struct hart *hart);
void tlb_destroy(struct hart *hart);
/* Makes the context of satp and MXR current. */
void tlb_select_context(struct hart *hart);
/* The entries on one walk; to be recorded before its result is cached. */
struct walk_path {
    unsigned count;
    uint64_t entry[3]; /* physical addresses of the page table entries, root first */
};
void tlb_record_path(struct hart *hart, const struct walk_path *path, uint64_t address, bool fetch);
/* The entry that a virtual page has, or would have, in the current context and mode. */
struct tlb_entry *tlb_entry(struct hart *hart, uint64_t address);
struct large_entry *tlb_large_entry(struct hart *hart, uint64_t address);
/* The same entry, empty, to be filled at once. */
struct tlb_entry *tlb_claim(struct hart *hart, uint64_t address);
struct fetch_entry *tlb_fetch_entry(struct hart *hart, uint64_t address);
/* Takes the store permission of a virtual page out of all contexts. */
void tlb_drop_writer(struct hart *hart, uint32_t virtual_page_number);

/* A store to [offset, offset + size) of a recorded page table is about to happen. */
void tlb_table_written(struct hart *hart, struct page *page, uint64_t offset, uint64_t size);
void tlb_drop_all(struct hart *hart);

#endif
