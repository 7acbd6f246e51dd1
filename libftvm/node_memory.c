/*
 * A machine's memory in its state and in its digest: made of ftvm_write, ftvm_read and
 * ftvm_digest_add, for whoever is behind these. vCPU thread.
 */
#include <string.h>

#include <endian.h>

#include "libftvm/digest.h"

#define PAGE_SIZE    4096u
#define WINDOW_PAGES 16u /* digested at a boundary */
#define END_MARK     UINT64_MAX

/* ---- Pages ----------------------------------------------------------------------------------- */

static uint64_t page_count(size_t size)
{
    return size / PAGE_SIZE + (size % PAGE_SIZE != 0);
}

static size_t page_size(size_t size, uint64_t page)
{
    size_t left = size - page * PAGE_SIZE;
    return left < PAGE_SIZE ? left : PAGE_SIZE;
}

static bool is_zero(const uint8_t *page, size_t size)
{
    return page[0] == 0 && memcmp(page, page + 1, size - 1) == 0;
}

/* ---- State ----------------------------------------------------------------------------------- */

static int write_number(struct ftvm_writer *writer, uint64_t number)
{
    uint64_t bytes = htole64(number);
    return ftvm_write(writer, &bytes, sizeof bytes);
}

int ftvm_write_memory(struct ftvm_writer *writer, const void *memory, size_t size)
{
    const uint8_t *bytes = memory;
    uint64_t pages = page_count(size);
    int result = write_number(writer, size);
    for (uint64_t page = 0; page < pages && result >= 0; page++) {
        const uint8_t *start = bytes + page * PAGE_SIZE;
        if (is_zero(start, page_size(size, page))) {
            continue;
        }
        write_number(writer, page);
        result = ftvm_write(writer, start, page_size(size, page));
    }
    return write_number(writer, END_MARK);
}

static int read_number(struct ftvm_reader *reader, uint64_t *number)
{
    uint64_t bytes = 0;
    int result = ftvm_read(reader, &bytes, sizeof bytes);
    *number = le64toh(bytes);
    return result;
}

/* The pages from `first` on, without `end`. To look at one that was never written to costs no
 * memory, to write to it does. */
static void clear_pages(uint8_t *bytes, size_t size, uint64_t first, uint64_t end)
{
    for (uint64_t page = first; page < end; page++) {
        uint8_t *start = bytes + page * PAGE_SIZE;
        if (!is_zero(start, page_size(size, page))) {
            memset(start, 0, page_size(size, page));
        }
    }
}

static int read_pages(struct ftvm_reader *reader, uint8_t *bytes, size_t size)
{
    uint64_t pages = page_count(size);
    uint64_t next = 0; /* those before it are as they were written */
    for (;;) {
        uint64_t page;
        int result = read_number(reader, &page);
        if (result < 0) {
            return result;
        }
        if (page == END_MARK) {
            clear_pages(bytes, size, next, pages);
            return 0;
        }
        if (page < next || page >= pages) {
            return FTVM_E_CORRUPT;
        }
        clear_pages(bytes, size, next, page);
        result = ftvm_read(reader, bytes + page * PAGE_SIZE, page_size(size, page));
        if (result < 0) {
            return result;
        }
        next = page + 1;
    }
}

int ftvm_read_memory(struct ftvm_reader *reader, void *memory, size_t size)
{
    uint64_t written;
    int result = read_number(reader, &written);
    if (result < 0) {
        return result;
    }
    return written == size ? read_pages(reader, memory, size) : FTVM_E_CORRUPT;
}

/* ---- Digest ---------------------------------------------------------------------------------- */

void ftvm_digest_memory(struct ftvm_digest *digest, const char *part, const void *memory,
                        size_t size)
{
    const uint8_t *bytes = memory;
    uint64_t end = page_count(size);
    uint64_t page = 0;
    if (!digest->whole && end > WINDOW_PAGES) {
        uint64_t windows = (end + WINDOW_PAGES - 1) / WINDOW_PAGES;
        page = digest->epoch % windows * WINDOW_PAGES;
        end = end - page < WINDOW_PAGES ? end : page + WINDOW_PAGES;
    }
    for (; page < end; page++) {
        ftvm_digest_add(digest, part, page, bytes + page * PAGE_SIZE, page_size(size, page));
    }
}
