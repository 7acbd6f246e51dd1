/*
 * What of a process is in memory, and how much of that is its guest's RAM: from /proc/PID/smaps.
 */
#ifndef BENCH_RESIDENT_H
#define BENCH_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct resident {
    uint64_t guest;        /* bytes of its RAM */
    uint64_t beyond;       /* all else; a page that n mappings share counts 1/n in each (PSS) */
    uint64_t beyond_pages; /* the same with such a page counted n times (RSS, as in top) */
};

/* The guest's RAM is the mapping of at least `guest_size` bytes that has most in memory. If it is
 * larger than that, as when the kernel has joined it with a neighbour, the excess is taken not to
 * be the guest's. False if it cannot be read, or there is no such mapping. */
bool resident_read(pid_t pid, uint64_t guest_size, struct resident *resident);

#endif
