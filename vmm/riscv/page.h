/*
 * What the hart derived from each page of guest RAM: decoded code, translations. A page from which
 * nothing was derived can be stored to at full speed; a store to any other goes through
 * pages_before_write(), which drops what the store makes stale. So nothing derived is ever stale,
 * and a hart that was loaded from a saved state, with nothing derived, behaves as the one that was
 * saved.
 */
#ifndef VMM_RISCV_PAGE_H
#define VMM_RISCV_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

struct hart;

struct page {
    uint64_t code_granules; /* bit n: a decoded instruction has bytes in [64 n, 64 n + 64) */
    uint32_t first_block;   /* list of the blocks with bytes in this page; 0: none */
    /* Virtual page number + 1 through which the fast path may store to this page, at most one with
     * the U bit clear and one with it set; 0: none. A second alias takes the place of the first. */
    uint32_t writer[2];
    uint16_t table; /* 1 + index of the page table recorded here (tlb.h); 0: none */
};

/* Only such a page may be stored to by the fast path. */
static inline bool page_is_plain(const struct page *page)
{
    return page->first_block == 0 && page->table == 0;
}

/* The page of a physical address, NULL outside RAM. */
struct page *page_at(const struct hart *hart, uint64_t physical);
/* To be called with [physical, physical + size) still holding the old bytes, within one page of
 * RAM. */
void pages_before_write(struct hart *hart, uint64_t physical, uint64_t size);
/* The page ceases to be plain: takes the fast path away from it. */
void pages_protect(struct hart *hart, struct page *page);

#endif
