/*
 * Programs that are timed in a Linux guest, by name. Each does a fixed amount of work and returns a
 * value that depends on all of it, the same on every correct machine. None looks at a clock to say
 * how long it took: guests disagree about time, so the host measures (init.c).
 */
#ifndef BENCH_GUEST_LINUX_PROGRAMS_H
#define BENCH_GUEST_LINUX_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

/* A hundred percent take about a second on an emulator that translates. */
#define PROGRAM_FULL 100u

struct work {
    uint64_t percent; /* of the whole amount */
    void *memory;     /* of the program's size, zeroed; whole pages */
    size_t size;
};

typedef uint64_t program_run(const struct work *work);

struct program {
    const char *name;
    size_t size;                              /* of the memory that it works on */
    void (*prepare)(const struct work *work); /* before time is taken, or NULL */
    program_run *run;
};

/* The given number of rounds, or that part of it that is wanted; at least one. */
static inline uint64_t work_rounds(const struct work *work, uint64_t all)
{
    uint64_t rounds = all * work->percent / PROGRAM_FULL;

    return rounds ? rounds : 1;
}

/* The next of a sequence that looks random; `state` begins with any value. Knuth's constants. */
static inline uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 16;
}

program_run integer_run, calls_run, pointers_run, bytecode_run, sort_run, sha256_run, nbody_run,
    mixed_run, chase_run, walk_run, copy_run, scale_run, add_run, getpid_run, clock_vdso_run,
    clock_call_run, pipe_run, fork_exec_run;

void sha256_prepare(const struct work *work);
void mixed_prepare(const struct work *work);
void chase_prepare(const struct work *work);
void walk_prepare(const struct work *work);
void streams_prepare(const struct work *work);

#endif
