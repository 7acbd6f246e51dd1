#include "bench/resident.h"

#include <inttypes.h>
#include <stdio.h>

#define KIB 1024u

static uint64_t guest_part(uint64_t size, uint64_t in_memory, uint64_t guest_size)
{
    uint64_t excess = size - guest_size;

    return in_memory > excess ? in_memory - excess : 0;
}

bool resident_read(pid_t pid, uint64_t guest_size, struct resident *resident)
{
    uint64_t start, end, size = 0, kib;
    char path[64], line[512];
    bool found = false;
    FILE *maps;

    *resident = (struct resident){0};
    snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
    maps = fopen(path, "re");
    if (!maps)
        return false;
    while (fgets(line, sizeof(line), maps)) {
        /* "START-END perms ..." begins a mapping, and lines "Name: N kB" describe it. */
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
            size = end - start;
        } else if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            resident->total += kib * KIB;
            if (size < guest_size)
                continue;
            found = true;
            if (guest_part(size, kib * KIB, guest_size) > resident->guest)
                resident->guest = guest_part(size, kib * KIB, guest_size);
        }
    }
    fclose(maps);
    return found;
}
