#include "fault-injection/lab/faults/guest_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE_SIZE  4096u
#define PAGE_TRIES 256u
#define LINE_SIZE  512u
#define LARGEST    (GUEST_MEMORY_BYTES + ((uint64_t)4 << 20)) /* merged with a neighbour */

/* The guest's memory is the one mapping of that size that has no file. It is aligned to huge
 * pages; a neighbour that the kernel has joined to it lies before or behind. */
static bool find_memory(struct lab *lab, pid_t pid, uint64_t *start)
{
    char path[64], line[LINE_SIZE];
    bool found = false;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    if (!maps)
        return lab_fail(lab, "%s: %s", path, strerror(errno));
    while (!found && fgets(line, sizeof(line), maps)) {
        uint64_t from, to;
        char rights[5], file[LINE_SIZE] = "";

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %511s", &from, &to, rights,
                   file) < 3)
            continue;
        from = (from + ((uint64_t)2 << 20) - 1) & ~(((uint64_t)2 << 20) - 1);
        found = to > from && to - from >= GUEST_MEMORY_BYTES && to - from <= LARGEST &&
                strcmp(rights, "rw-p") == 0 && (file[0] == '\0' || file[0] == '[');
        *start = from;
    }
    fclose(maps);
    return found || lab_fail(lab, "process %d has no memory that looks like a guest's", (int)pid);
}

static bool is_in_use(const uint8_t *page)
{
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        if (page[i])
            return true;
    return false;
}

bool guest_memory_flip(struct lab *lab, pid_t pid, uint64_t random, uint64_t *offset, unsigned *bit)
{
    uint8_t page[PAGE_SIZE];
    char path[64];
    uint64_t start = 0;
    bool good;
    int fd;

    if (!find_memory(lab, pid, &start))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return lab_fail(lab, "%s: %s", path, strerror(errno));
    good = true;
    for (unsigned i = 0; i < PAGE_TRIES && good; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        *offset = (random >> 20) % (GUEST_MEMORY_BYTES / PAGE_SIZE) * PAGE_SIZE;
        good = pread(fd, page, sizeof(page), (off_t)(start + *offset)) == sizeof(page);
        if (good && is_in_use(page))
            break;
    }
    *bit = (unsigned)(random >> 61);
    *offset += (random >> 44) % PAGE_SIZE;
    if (good) {
        uint8_t byte = page[*offset % PAGE_SIZE] ^ (uint8_t)(1u << *bit);

        good = pwrite(fd, &byte, 1, (off_t)(start + *offset)) == 1;
    }
    if (!good)
        lab_fail(lab, "%s: %s", path, strerror(errno));
    close(fd);
    return good;
}
