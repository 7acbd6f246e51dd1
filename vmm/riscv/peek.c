/*
 * A look at the guest's memory as its page tables map it now, which leaves no trace: no A bit, no
 * cached translation. For whoever watches the guest; mmu.c is what the guest itself goes through.
 */
#include <string.h>

#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/pte.h"

/* Privileged specification, chapter 10.3.2, without what it says of permissions, A and D. */
static bool walk(const struct hart *hart, uint64_t address, uint64_t *physical)
{
    uint64_t table = (hart->state.satp & SATP_PPN_MASK) << PAGE_SHIFT;

    if (!is_canonical(address)) {
        return false;
    }
    for (int level = 2; level >= 0; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (unsigned)level;
        uint64_t within = (UINT64_C(1) << shift) - 1;
        uint64_t entry;
        const uint8_t *place = guest_memory_slice(
            &hart->memory, table + (address >> shift & 0x1ff) * sizeof entry, sizeof entry);

        if (place == NULL) {
            return false;
        }
        memcpy(&entry, place, sizeof entry);
        if ((entry & PTE_V) == 0) {
            return false;
        }
        table = (entry >> PTE_PPN_SHIFT & SATP_PPN_MASK) << PAGE_SHIFT;
        if ((entry & PTE_LEAF) != 0) {
            *physical = (table & ~within) | (address & within);
            return true;
        }
    }
    return false;
}

bool hart_peek(const struct hart *hart, uint64_t address, void *bytes, size_t size)
{
    bool mapped = (hart->state.satp & SATP_MODE_MASK) == SATP_MODE_SV39;
    uint8_t *to = bytes;

    while (size > 0) {
        uint64_t left = PAGE_SIZE - (address & PAGE_MASK);
        size_t part = size < left ? size : (size_t)left;
        uint64_t physical = address;
        const uint8_t *from;

        if (mapped && !walk(hart, address, &physical)) {
            return false;
        }
        from = guest_memory_slice(&hart->memory, physical, part);
        if (from == NULL) {
            return false;
        }
        memcpy(to, from, part);
        to += part;
        address += part;
        size -= part;
    }
    return true;
}
