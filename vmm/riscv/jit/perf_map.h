/*
 * Names generated code for perf(1): /tmp/perf-PID.map, one line for each region, as the kernel's
 * tools/perf/Documentation/jit-interface.txt has it. Symbols are "guest:PC" by the virtual address
 * at which the region was first run.
 */
#ifndef VMM_RISCV_JIT_PERF_MAP_H
#define VMM_RISCV_JIT_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perf_map;

/* False: the file cannot be made. */
bool perf_map_open(struct perf_map **map);
void perf_map_close(struct perf_map *map); /* NULL is fine; the file stays for perf to read */
void perf_map_add(struct perf_map *map, const void *code, size_t size, uint64_t pc);

#endif
