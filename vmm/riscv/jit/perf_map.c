#include "vmm/riscv/jit/perf_map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct perf_map {
    FILE *file;
};

bool perf_map_open(struct perf_map **map)
{
    char path[64];
    struct perf_map *opened = calloc(1, sizeof *opened);

    /* perf knows no other place. A link that somebody left there is not followed. */
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (opened == NULL || file < 0 || (opened->file = fdopen(file, "w")) == NULL) {
        if (file >= 0) {
            close(file);
        }
        free(opened);
        return false;
    }
    /* perf may look before the process ends. */
    setlinebuf(opened->file);
    *map = opened;
    return true;
}

void perf_map_close(struct perf_map *map)
{
    if (map != NULL) {
        fclose(map->file);
        free(map);
    }
}

void perf_map_add(struct perf_map *map, const void *code, size_t size, uint64_t pc)
{
    fprintf(map->file, "%" PRIxPTR " %zx guest:%" PRIx64 "\n", (uintptr_t)code, size, pc);
}
