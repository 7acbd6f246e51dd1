#include "vmm/riscv/tlb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/pte.h"

#define SALT_LIMIT (UINT64_C(1) << 24)

static uint64_t next_salt(struct hart *hart)
{
    struct translations *t = &hart->translations;
    if (t->salt_count == SALT_LIMIT) {
        /* All salts were used: begin again, with no key left that carries an old one. */
        blocks_forget_jumps(hart);
        t->salt_count = 0;
        for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
            if (t->contexts[i] != NULL) {
                t->contexts[i]->salt[0] = t->salt_count++ << TLB_SALT_SHIFT;
                t->contexts[i]->salt[1] = t->salt_count++ << TLB_SALT_SHIFT;
            }
        }
    }
    return t->salt_count++ << TLB_SALT_SHIFT;
}

/* Cached jumps of a context and privilege are forgotten, and what runs now looks itself up anew. */
static void renew_salt(struct hart *hart, struct context *context, unsigned privilege)
{
    uint64_t salt = next_salt(hart);
    context->salt[privilege] = salt;
    if (hart->translations.current != NULL) {
        hart_set_jump_salt(hart, hart->translations.current->salt[hart->state.privilege]);
    }
    hart->leave = true;
}

static void clear_entry(struct tlb_entry *entry)
{
    entry->read_tag = TLB_INVALID;
    entry->write_tag = TLB_INVALID;
    entry->writable = TLB_INVALID;
}

static void clear_context(struct hart *hart, struct context *context)
{
    if (context->filled_count <= TLB_FILLED) {
        for (unsigned i = 0; i < context->filled_count; i++) {
            unsigned index = context->filled[i];
            clear_entry(&context->data[index / TLB_ENTRIES][index % TLB_ENTRIES]);
        }
    } else {
        memset(context->data, 0xff, sizeof context->data);
    }
    context->filled_count = 0;
    memset(context->large, 0xff, sizeof context->large);
    memset(context->fetch, 0xff, sizeof context->fetch);
    renew_salt(hart, context, HART_USER);
    renew_salt(hart, context, HART_SUPERVISOR);
}

bool tlb_create(struct hart *hart)
{
    struct translations *t = &hart->translations;

    static_assert(TLB_MODES * TLB_ENTRIES <= UINT16_MAX, "places of entries are 16 bits wide");
    static_assert(TLB_TABLES < UINT16_MAX, "indices of tables are 16 bits wide");
    t->tables = calloc(TLB_TABLES, sizeof *t->tables);
    if (t->tables == NULL) {
        return false;
    }
    for (unsigned i = 0; i < TLB_TABLES; i++) {
        t->tables[i].next_free = (uint16_t)(i + 1 < TLB_TABLES ? i + 2 : 0);
    }
    t->first_free = 1;
    t->free_count = TLB_TABLES;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        t->contexts[i] = calloc(1, sizeof *t->contexts[i]);
        if (t->contexts[i] == NULL) {
            return false;
        }
        t->contexts[i]->filled_count = TLB_FILLED + 1; /* to be cleared whole at first */
    }
    return true;
}

void tlb_destroy(struct hart *hart)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        free(hart->translations.contexts[i]);
    }
    free(hart->translations.tables);
}

void tlb_select_context(struct hart *hart)
{
    struct translations *t = &hart->translations;
    bool paged = (hart->state.satp & SATP_MODE_MASK) == SATP_MODE_SV39;
    uint64_t root = paged ? (hart->state.satp & SATP_PPN_MASK) << PAGE_SHIFT : CONTEXT_BARE;
    bool mxr = (hart->state.sstatus & SSTATUS_MXR) != 0;
    struct context *choice = t->current;

    if (choice != NULL && choice->root == root && choice->mxr == mxr) {
        return;
    }
    choice = t->contexts[0];
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct context *context = t->contexts[i];
        if (context->used && context->root == root && context->mxr == mxr) {
            choice = context;
            break;
        }
        if (context->last_used < choice->last_used) {
            choice = context;
        }
    }
    if (!choice->used || choice->root != root || choice->mxr != mxr) {
        choice->used = true;
        choice->root = root;
        choice->mxr = mxr;
        clear_context(hart, choice);
    }
    choice->last_used = ++t->use_count;
    t->current = choice;
}

struct tlb_entry *tlb_entry(struct hart *hart, uint64_t address)
{
    return &hart->tlb[address >> PAGE_SHIFT & (TLB_ENTRIES - 1)];
}

struct large_entry *tlb_large_entry(struct hart *hart, uint64_t address)
{
    uint64_t column = address >> TLB_LARGE_SHIFT & (TLB_LARGE_ENTRIES - 1);
    return &hart->translations.current->large[hart_data_mode(hart)][column];
}

struct tlb_entry *tlb_claim(struct hart *hart, uint64_t address)
{
    struct context *context = hart->translations.current;
    struct tlb_entry *entry = tlb_entry(hart, address);

    if (entry->read_tag == TLB_INVALID && context->filled_count <= TLB_FILLED) {
        if (context->filled_count < TLB_FILLED) {
            context->filled[context->filled_count] = (uint16_t)(entry - context->data[0]);
        }
        context->filled_count++;
    }
    clear_entry(entry);
    return entry;
}

struct fetch_entry *tlb_fetch_entry(struct hart *hart, uint64_t address)
{
    return &hart->translations.current
                ->fetch[hart->state.privilege][address >> PAGE_SHIFT & (TLB_FETCH_ENTRIES - 1)];
}

static bool same_page(uint64_t tag, uint32_t virtual_page_number)
{
    return tag != TLB_INVALID && (tag >> PAGE_SHIFT & VPN_MASK) == virtual_page_number;
}

void tlb_drop_writer(struct hart *hart, uint32_t virtual_page_number)
{
    unsigned index = virtual_page_number & (TLB_ENTRIES - 1);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct context *context = hart->translations.contexts[i];
        for (unsigned mode = 0; context->used && mode < TLB_MODES; mode++) {
            struct tlb_entry *entry = &context->data[mode][index];
            if (same_page(entry->write_tag, virtual_page_number)) {
                entry->write_tag = TLB_INVALID;
            }
        }
    }
}

static void drop_page(struct hart *hart, uint32_t virtual_page_number, bool exec, bool user)
{
    unsigned privilege = user ? HART_USER : HART_SUPERVISOR;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct context *context = hart->translations.contexts[i];
        if (!context->used) {
            continue;
        }
        for (unsigned mode = 0; mode < TLB_MODES; mode++) {
            struct tlb_entry *entry = &context->data[mode][virtual_page_number & (TLB_ENTRIES - 1)];
            if (same_page(entry->read_tag, virtual_page_number)) {
                clear_entry(entry);
            }
        }
        if (exec) {
            struct fetch_entry *entry =
                &context->fetch[privilege][virtual_page_number & (TLB_FETCH_ENTRIES - 1)];
            if (same_page(entry->tag, virtual_page_number)) {
                entry->tag = TLB_INVALID;
            }
            renew_salt(hart, context, privilege);
        }
    }
}

static bool get_bit(const uint64_t bits[8], unsigned index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

static void set_bit(uint64_t bits[8], unsigned index)
{
    bits[index / 64] |= UINT64_C(1) << index % 64;
}

static void clear_bit(uint64_t bits[8], unsigned index)
{
    bits[index / 64] &= ~(UINT64_C(1) << index % 64);
}

static void release_table(struct hart *hart, struct table *table)
{
    struct translations *t = &hart->translations;
    page_at(hart, table->page)->table = 0;
    *table = (struct table){.next_free = t->first_free};
    t->first_free = (uint16_t)(table - t->tables + 1);
    t->free_count++;
}

void tlb_drop_all(struct hart *hart)
{
    struct translations *t = &hart->translations;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        if (t->contexts[i]->used) {
            clear_context(hart, t->contexts[i]);
        }
    }
    for (unsigned i = 0; i < TLB_TABLES; i++) {
        if (t->tables[i].used_count != 0) {
            release_table(hart, &t->tables[i]);
        }
    }
}

static struct table *acquire_table(struct hart *hart, uint64_t page_address, unsigned level,
                                   uint64_t virtual_base)
{
    struct translations *t = &hart->translations;
    struct page *page = page_at(hart, page_address);

    if (page->table != 0) {
        struct table *table = &t->tables[page->table - 1];
        if (table->level != level || table->virtual_base != virtual_base) {
            table->ambiguous = true;
        }
        return table;
    }
    struct table *table = &t->tables[t->first_free - 1];
    page->table = t->first_free;
    t->first_free = table->next_free;
    t->free_count--;
    *table = (struct table){.page = page_address, .level = level, .virtual_base = virtual_base};
    pages_protect(hart, page);
    return table;
}

void tlb_record_path(struct hart *hart, const struct walk_path *path, uint64_t address, bool fetch)
{
    if (hart->translations.free_count < path->count) {
        tlb_drop_all(hart);
    }
    for (unsigned i = 0; i < path->count; i++) {
        unsigned level = 2 - i;
        uint64_t span = UINT64_C(1) << (PAGE_SHIFT + 9 * (level + 1));
        uint64_t base = address & ((UINT64_C(1) << 39) - 1) & ~(span - 1);
        struct table *table = acquire_table(hart, path->entry[i] & ~PAGE_MASK, level, base);
        unsigned index = (unsigned)(path->entry[i] & PAGE_MASK) / sizeof(uint64_t);
        if (!get_bit(table->used, index)) {
            set_bit(table->used, index);
            table->used_count++;
        }
        if (fetch) {
            set_bit(table->exec, index);
        }
    }
}

/* Drops what was derived from one used entry of a table of the last level. */
static void drop_leaf(struct hart *hart, struct table *table, unsigned index)
{
    uint64_t entry;
    memcpy(&entry, hart->memory.host + (table->page - hart->memory.start) + index * sizeof entry,
           sizeof entry);
    drop_page(hart, (uint32_t)(table->virtual_base >> PAGE_SHIFT) + index,
              get_bit(table->exec, index), (entry & PTE_U) != 0);
}

/* These two: false if only dropping everything will do. */
static bool drop_all_leaves(struct hart *hart, struct table *table)
{
    if (table->ambiguous || table->level != 0) {
        return false;
    }
    for (unsigned index = 0; index < 512; index++) {
        if (get_bit(table->used, index)) {
            drop_leaf(hart, table, index);
        }
    }
    release_table(hart, table);
    return true;
}

static bool drop_entry(struct hart *hart, struct table *table, unsigned index)
{
    uint64_t entry;
    struct page *child;
    struct table *child_table;

    if (table->ambiguous) {
        return false;
    }
    if (table->level == 0) {
        drop_leaf(hart, table, index);
        return true;
    }
    if (table->level == 2) {
        /* Nothing but the contexts with this root depends on it. */
        for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
            struct context *context = hart->translations.contexts[i];
            if (context->used && context->root == table->page) {
                clear_context(hart, context);
            }
        }
        return true;
    }
    memcpy(&entry, hart->memory.host + (table->page - hart->memory.start) + index * sizeof entry,
           sizeof entry);
    if ((entry & PTE_LEAF) != 0) {
        return false; /* 512 pages: rare */
    }
    child = page_at(hart, (entry >> PTE_PPN_SHIFT & SATP_PPN_MASK) << PAGE_SHIFT);
    if (child == NULL || child->table == 0) {
        return true; /* whatever was below is dropped already */
    }
    child_table = &hart->translations.tables[child->table - 1];
    if (!child_table->ambiguous &&
        child_table->virtual_base != table->virtual_base + ((uint64_t)index << (PAGE_SHIFT + 9))) {
        return true; /* recorded for another place: nothing was cached through this one */
    }
    return drop_all_leaves(hart, child_table);
}

void tlb_table_written(struct hart *hart, struct page *page, uint64_t offset, uint64_t size)
{
    struct table *table = &hart->translations.tables[page->table - 1];
    unsigned first = (unsigned)(offset / sizeof(uint64_t));
    unsigned last = (unsigned)((offset + size - 1) / sizeof(uint64_t));

    for (unsigned index = first; index <= last; index++) {
        if (!get_bit(table->used, index)) {
            continue;
        }
        if (!drop_entry(hart, table, index)) {
            tlb_drop_all(hart);
            return;
        }
        clear_bit(table->used, index);
        clear_bit(table->exec, index);
        table->used_count--;
    }
    if (table->used_count == 0) {
        release_table(hart, table);
    }
}
