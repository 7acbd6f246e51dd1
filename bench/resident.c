#include "bench/resident.h"

#include <inttypes.h>
#include <stdio.h>

#define KIB 1024u

struct mapping {
    uint64_t size, rss, pss;
};

static uint64_t guest_part(const struct mapping *mapping, uint64_t guest_size)
{
    uint64_t excess = mapping->size - guest_size;

    return mapping->rss > excess ? mapping->rss - excess : 0;
}

static void add_mapping(struct resident *resident, const struct mapping *mapping,
                        uint64_t guest_size)
{
    resident->beyond += mapping->pss;
    resident->beyond_pages += mapping->rss;
    if (mapping->size >= guest_size && guest_part(mapping, guest_size) > resident->guest)
        resident->guest = guest_part(mapping, guest_size);
}

/* "START-END perms ..." begins a mapping, and lines "Name: N kB" describe it. */
static void read_mappings(FILE *maps, uint64_t guest_size, struct resident *resident)
{
    struct mapping mapping = {0};
    uint64_t start, end, kib;
    char line[512];

    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
            add_mapping(resident, &mapping, guest_size);
            mapping = (struct mapping){.size = end - start};
        } else if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            mapping.rss = kib * KIB;
        } else if (sscanf(line, "Pss: %" SCNu64 " kB", &kib) == 1) {
            mapping.pss = kib * KIB;
        }
    }
    add_mapping(resident, &mapping, guest_size);
}

bool resident_read(pid_t pid, uint64_t guest_size, struct resident *resident)
{
    char path[64];
    FILE *maps;

    *resident = (struct resident){0};
    snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
    maps = fopen(path, "re");
    if (!maps)
        return false;
    read_mappings(maps, guest_size, resident);
    fclose(maps);
    if (resident->guest == 0 || resident->beyond < resident->guest)
        return false;
    /* A guest's RAM is its process's alone, so both counts agree about it. */
    resident->beyond -= resident->guest;
    resident->beyond_pages -= resident->guest;
    return true;
}
