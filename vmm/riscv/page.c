#include "vmm/riscv/page.h"

#include "vmm/riscv/hart_state.h"

struct page *page_at(const struct hart *hart, uint64_t physical)
{
    uint64_t offset = physical - hart->memory.start;
    return offset < hart->memory.size ? &hart->pages[offset >> PAGE_SHIFT] : NULL;
}

void pages_before_write(struct hart *hart, uint64_t physical, uint64_t size)
{
    struct page *page = page_at(hart, physical);
    if (page->table != 0) {
        tlb_table_written(hart, page, physical & PAGE_MASK, size);
    }
    if (page->first_block != 0) {
        blocks_written(hart, page, physical, size);
    }
}

void pages_protect(struct hart *hart, struct page *page)
{
    for (unsigned user = 0; user < 2; user++) {
        if (page->writer[user] != 0) {
            tlb_drop_writer(hart, page->writer[user] - 1);
            page->writer[user] = 0;
        }
    }
}
