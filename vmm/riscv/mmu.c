#include "vmm/riscv/mmu.h"

#include <string.h>

#include "vmm/riscv/fpu.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/pte.h"

struct translation {
    uint64_t physical;
    bool large;    /* of 2 MiB at least */
    bool user;     /* a page of U mode */
    bool readable; /* by the access that was translated */
    bool writable; /* D is set */
    struct walk_path path;
};

static bool fail(struct hart *hart, enum trap_cause cause, uint64_t address)
{
    hart->trap_cause = cause;
    hart->trap_value = address;
    return false;
}

static bool page_fault(struct hart *hart, enum access access, uint64_t address)
{
    static const enum trap_cause causes[] = {CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE};
    return fail(hart, causes[access], address);
}

static bool access_fault(struct hart *hart, enum access access, uint64_t address)
{
    static const enum trap_cause causes[] = {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS,
                                             CAUSE_FETCH_ACCESS};
    return fail(hart, causes[access], address);
}

static uint8_t *ram_at(const struct hart *hart, uint64_t physical)
{
    return hart->memory.host + (physical - hart->memory.start);
}

static bool permitted(const struct hart *hart, enum access access, uint64_t entry)
{
    bool user_page = (entry & PTE_U) != 0;

    if (hart->state.privilege == HART_USER) {
        if (!user_page) {
            return false;
        }
    } else if (user_page && (access == ACCESS_FETCH || (hart->state.sstatus & SSTATUS_SUM) == 0)) {
        return false;
    }
    switch (access) {
    case ACCESS_READ:
        return (entry & PTE_R) != 0 ||
               ((hart->state.sstatus & SSTATUS_MXR) != 0 && (entry & PTE_X) != 0);
    case ACCESS_WRITE: return (entry & PTE_W) != 0;
    default: return (entry & PTE_X) != 0;
    }
}

/* Privileged specification, chapter 10.3.2, with hardware updates of A and D. */
static bool walk(struct hart *hart, uint64_t address, enum access access, struct translation *t)
{
    uint64_t table = (hart->state.satp & SATP_PPN_MASK) << PAGE_SHIFT;

    if (!is_canonical(address)) {
        return page_fault(hart, access, address);
    }
    for (unsigned level = 2;; level--) {
        unsigned shift = PAGE_SHIFT + 9 * level;
        uint64_t location = table + (address >> shift & 0x1ff) * sizeof(uint64_t);
        uint64_t entry;
        uint64_t updated;

        if (page_at(hart, location) == NULL) {
            return access_fault(hart, access, address);
        }
        memcpy(&entry, ram_at(hart, location), sizeof entry);
        if ((entry & PTE_V) == 0 || (entry & PTE_RESERVED) != 0 ||
            (entry & (PTE_R | PTE_W)) == PTE_W) {
            return page_fault(hart, access, address);
        }
        t->path.entry[t->path.count++] = location;
        table = (entry >> PTE_PPN_SHIFT & SATP_PPN_MASK) << PAGE_SHIFT;
        if ((entry & PTE_LEAF) == 0) {
            if (level == 0 || (entry & (PTE_U | PTE_A | PTE_D)) != 0) {
                return page_fault(hart, access, address);
            }
            continue;
        }
        if (!permitted(hart, access, entry) ||
            (table & ((UINT64_C(1) << shift) - 1)) != 0) { /* a misaligned superpage */
            return page_fault(hart, access, address);
        }
        updated = entry | PTE_A | (access == ACCESS_WRITE ? PTE_D : 0);
        if (updated != entry) {
            /* More is permitted than before, so no cached translation is wrong now. But the
             * page table may be code, too. */
            struct page *page = page_at(hart, location);
            if (page->first_block != 0) {
                blocks_written(hart, page, location, sizeof updated);
            }
            memcpy(ram_at(hart, location), &updated, sizeof updated);
        }
        t->physical = table | (address & ((UINT64_C(1) << shift) - 1));
        t->large = level > 0;
        t->user = (entry & PTE_U) != 0;
        t->readable = permitted(hart, ACCESS_READ, entry);
        t->writable = (updated & PTE_D) != 0 && permitted(hart, ACCESS_WRITE, entry);
        return true;
    }
}

/* As a walk would translate it that has nothing to record and no bit to set. */
static bool translate_large(struct hart *hart, uint64_t address, enum access access,
                            struct translation *t)
{
    const struct large_entry *entry = tlb_large_entry(hart, address);

    if (entry->tag != (address & ~TLB_LARGE_MASK) ||
        !(access == ACCESS_WRITE ? entry->writable : entry->readable)) {
        return false;
    }
    *t = (struct translation){.physical = entry->physical | (address & TLB_LARGE_MASK),
                              .user = entry->user,
                              .readable = entry->readable,
                              .writable = entry->writable};
    return true;
}

/* Its path is recorded. */
static void cache_large(struct hart *hart, uint64_t address, const struct translation *t)
{
    *tlb_large_entry(hart, address) =
        (struct large_entry){.tag = address & ~TLB_LARGE_MASK,
                             .physical = t->physical & ~TLB_LARGE_MASK,
                             .user = t->user,
                             .readable = t->readable,
                             .writable = t->writable};
}

static bool translate(struct hart *hart, uint64_t address, enum access access,
                      struct translation *t)
{
    if (access != ACCESS_FETCH && translate_large(hart, address, access, t)) {
        return true;
    }
    t->path.count = 0;
    t->large = false;
    if ((hart->state.satp & SATP_MODE_MASK) == SATP_MODE_SV39) {
        return walk(hart, address, access, t);
    }
    t->physical = address;
    t->user = false;
    t->readable = true;
    t->writable = true;
    return true;
}

/* The fast path may store to the page through this entry. Asked for only when the entry is all
 * else, as recording its path may have made the page a page table. */
static void grant_stores(struct hart *hart, struct tlb_entry *entry, struct page *page)
{
    uint64_t virtual_page = entry->writable & ~PAGE_MASK;
    uint32_t number = (uint32_t)(virtual_page >> PAGE_SHIFT & VPN_MASK);
    uint32_t *writer = &page->writer[entry->writable & TLB_USER_PAGE];

    if (*writer != 0 && *writer != number + 1) {
        tlb_drop_writer(hart, *writer - 1);
    }
    *writer = number + 1;
    entry->write_tag = virtual_page;
}

/* Caches the translation of a page of RAM. Nothing that is cached may be more than the page
 * tables allow, but it may be less. */
static void cache_translation(struct hart *hart, uint64_t address, const struct translation *t,
                              struct page *page)
{
    uint64_t virtual_page = address & ~PAGE_MASK;
    struct tlb_entry *entry;

    if (!t->readable) {
        return;
    }
    tlb_record_path(hart, &t->path, address, false);
    if (t->large) {
        cache_large(hart, address, t);
    }
    entry = tlb_claim(hart, address);
    entry->read_tag = virtual_page;
    entry->addend = (uint64_t)(uintptr_t)ram_at(hart, t->physical & ~PAGE_MASK) - virtual_page;
    if (t->writable) {
        entry->writable = virtual_page | (t->user ? TLB_USER_PAGE : 0);
        if (page_is_plain(page)) {
            grant_stores(hart, entry, page);
        }
    }
}

/* What the cached translation of the page allows: where the address is in the host, or NULL. A
 * store is prepared. */
static uint8_t *at_hand(struct hart *hart, uint64_t address, unsigned size, enum access access,
                        uint64_t *physical)
{
    struct tlb_entry *entry = tlb_entry(hart, address);
    uint64_t virtual_page = address & ~PAGE_MASK;
    uint8_t *place = (uint8_t *)(uintptr_t)(address + entry->addend);

    *physical = (uint64_t)(place - hart->memory.host) + hart->memory.start;
    if (access == ACCESS_READ) {
        return entry->read_tag == virtual_page ? place : NULL;
    }
    if (entry->writable == TLB_INVALID || (entry->writable & ~PAGE_MASK) != virtual_page) {
        return NULL;
    }
    if (entry->write_tag != virtual_page) {
        struct page *page = page_at(hart, *physical);
        if (page_is_plain(page)) {
            grant_stores(hart, entry, page);
        } else {
            pages_before_write(hart, *physical, size);
        }
    }
    return place;
}

static bool mmio_read(struct hart *hart, uint64_t address, uint64_t physical, unsigned size,
                      uint64_t *value)
{
    bool done = false;
    if (physical % size == 0 && hart->callbacks.mmio_read != NULL) {
        fpu_release(hart);
        done = hart->callbacks.mmio_read(hart->callbacks.context, physical, size, value);
        fpu_acquire(hart);
    }
    return done || access_fault(hart, ACCESS_READ, address);
}

static bool mmio_write(struct hart *hart, uint64_t address, uint64_t physical, unsigned size,
                       uint64_t value)
{
    bool done = false;
    if (physical % size == 0 && hart->callbacks.mmio_write != NULL) {
        fpu_release(hart);
        done = hart->callbacks.mmio_write(hart->callbacks.context, physical, size, value);
        fpu_acquire(hart);
    }
    return done || access_fault(hart, ACCESS_WRITE, address);
}

static uint64_t truncate_to(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

/* An access that crosses into another page: both must be RAM, and both are translated before any
 * byte moves. */
static bool translate_split(struct hart *hart, uint64_t address, unsigned size, enum access access,
                            uint8_t *parts[2], uint64_t physical[2])
{
    uint64_t second = (address | PAGE_MASK) + 1;
    struct translation t[2];

    if (!translate(hart, address, access, &t[0]) || !translate(hart, second, access, &t[1])) {
        return false;
    }
    if (page_at(hart, t[0].physical) == NULL) {
        return access_fault(hart, access, address);
    }
    if (page_at(hart, t[1].physical) == NULL) {
        return access_fault(hart, access, second);
    }
    if (access == ACCESS_WRITE) {
        pages_before_write(hart, t[0].physical, second - address);
        pages_before_write(hart, t[1].physical, size - (second - address));
    }
    for (unsigned i = 0; i < 2; i++) {
        physical[i] = t[i].physical;
        parts[i] = ram_at(hart, t[i].physical);
    }
    return true;
}

static bool crosses_page(uint64_t address, unsigned size)
{
    return (address & PAGE_MASK) + size > PAGE_SIZE;
}

bool mmu_load(struct hart *hart, uint64_t address, unsigned size, uint64_t *value)
{
    struct translation t;
    struct page *page;
    uint8_t *place;

    *value = 0;
    if (crosses_page(address, size)) {
        uint64_t physical[2];
        uint8_t *parts[2];
        unsigned first = (unsigned)(PAGE_SIZE - (address & PAGE_MASK));
        if (!translate_split(hart, address, size, ACCESS_READ, parts, physical)) {
            return false;
        }
        memcpy(value, parts[0], first);
        memcpy((uint8_t *)value + first, parts[1], size - first);
        return true;
    }
    place = at_hand(hart, address, size, ACCESS_READ, &t.physical);
    if (place != NULL) {
        memcpy(value, place, size);
        return true;
    }
    if (!translate(hart, address, ACCESS_READ, &t)) {
        return false;
    }
    page = page_at(hart, t.physical);
    if (page == NULL) {
        if (!mmio_read(hart, address, t.physical, size, value)) {
            return false;
        }
        *value = truncate_to(*value, size);
        return true;
    }
    cache_translation(hart, address, &t, page);
    memcpy(value, ram_at(hart, t.physical), size);
    return true;
}

bool mmu_store(struct hart *hart, uint64_t address, unsigned size, uint64_t value)
{
    struct translation t;
    struct page *page;
    uint8_t *place;

    if (crosses_page(address, size)) {
        uint64_t physical[2];
        uint8_t *parts[2];
        unsigned first = (unsigned)(PAGE_SIZE - (address & PAGE_MASK));
        if (!translate_split(hart, address, size, ACCESS_WRITE, parts, physical)) {
            return false;
        }
        memcpy(parts[0], &value, first);
        memcpy(parts[1], (uint8_t *)&value + first, size - first);
        return true;
    }
    place = at_hand(hart, address, size, ACCESS_WRITE, &t.physical);
    if (place != NULL) {
        memcpy(place, &value, size);
        return true;
    }
    if (!translate(hart, address, ACCESS_WRITE, &t)) {
        return false;
    }
    page = page_at(hart, t.physical);
    if (page == NULL) {
        return mmio_write(hart, address, t.physical, size, truncate_to(value, size));
    }
    cache_translation(hart, address, &t, page);
    if (!page_is_plain(page)) {
        pages_before_write(hart, t.physical, size);
    }
    memcpy(ram_at(hart, t.physical), &value, size);
    return true;
}

uint8_t *mmu_atomic(struct hart *hart, uint64_t address, unsigned size, bool write,
                    uint64_t *physical)
{
    enum access access = write ? ACCESS_WRITE : ACCESS_READ;
    struct translation t;
    struct page *page;
    uint8_t *place;

    if (address % size != 0) {
        fail(hart, write ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED, address);
        return NULL;
    }
    place = at_hand(hart, address, size, access, physical);
    if (place != NULL) {
        return place;
    }
    if (!translate(hart, address, access, &t)) {
        return NULL;
    }
    page = page_at(hart, t.physical);
    if (page == NULL) {
        access_fault(hart, access, address);
        return NULL;
    }
    cache_translation(hart, address, &t, page);
    if (write && !page_is_plain(page)) {
        pages_before_write(hart, t.physical, size);
    }
    *physical = t.physical;
    return ram_at(hart, t.physical);
}

bool mmu_fetch(struct hart *hart, uint64_t address, uint64_t *physical)
{
    struct fetch_entry *entry = tlb_fetch_entry(hart, address);
    struct translation t;

    if (entry->tag == (address & ~PAGE_MASK)) {
        *physical = entry->physical_page | (address & PAGE_MASK);
        return true;
    }
    if (!translate(hart, address, ACCESS_FETCH, &t)) {
        return false;
    }
    if (page_at(hart, t.physical) == NULL) {
        return access_fault(hart, ACCESS_FETCH, address);
    }
    tlb_record_path(hart, &t.path, address, true);
    entry->tag = address & ~PAGE_MASK;
    entry->physical_page = t.physical & ~PAGE_MASK;
    *physical = t.physical;
    return true;
}
