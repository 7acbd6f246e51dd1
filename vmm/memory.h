/*
 * Guest physical memory: one contiguous stretch of RAM, as seen by the hart and by the devices.
 *
 * Every access by a device goes through guest_memory_slice(), which is the one place where a guest
 * physical address becomes a host pointer. The guest is hostile: an address and a length that are
 * not wholly inside RAM give NULL, never a pointer.
 */
#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define GUEST_RAM_START UINT64_C(0x80000000)
#define GUEST_PAGE_SIZE 4096u

struct guest_memory {
    uint8_t *host;  /* host address of the first byte of RAM, page aligned, zero at creation */
    uint64_t start; /* guest physical address of the first byte, GUEST_RAM_START */
    uint64_t size;  /* bytes, a multiple of GUEST_PAGE_SIZE */
};

/* Host pointer to `size` bytes at guest physical `address`, or NULL if any of them lies outside. */
static inline uint8_t *guest_memory_slice(const struct guest_memory *memory, uint64_t address,
                                          uint64_t size)
{
    uint64_t offset = address - memory->start;
    if (address < memory->start || offset > memory->size || size > memory->size - offset) {
        return NULL;
    }
    return memory->host + offset;
}

#endif
