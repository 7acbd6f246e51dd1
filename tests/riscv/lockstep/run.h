/*
 * One run of a random program on a hart of its own, cut into calls of hart_run() and disturbed in
 * ways that must not show.
 */
#ifndef TESTS_RISCV_RUN_OF_PROGRAM_H
#define TESTS_RISCV_RUN_OF_PROGRAM_H

#include "tests/riscv/lockstep/world.h"
#include "tests/riscv/support/state_buffer.h"

enum cuts {
    CUT_NEVER,
    CUT_EVERY, /* after each instruction */
    CUT_SHORT, /* up to 9 instructions */
    CUT_LONG,  /* up to 700 */
    CUT_MIXED, /* now the one, now the other */
};

/* How the program is run. */
struct manner {
    const char *name;
    struct hart_config config;
    struct hart_config other_config; /* after every other reload */
    enum cuts cuts;
    uint64_t seed;          /* of the cuts and disturbances */
    unsigned reload_one_in; /* calls of hart_run(); 0: never. Into a fresh hart and memory */
    unsigned drop_one_in;   /* hart_fence_i() and hart_sfence_vma() */
};

struct run {
    const struct program *program;
    struct manner manner;
    struct guest_memory memory;
    struct world world;
    struct hart *hart;
    struct choices choices;
    unsigned next_event;
    unsigned reloads;
    struct state_buffer beginning;
};

/* NULL if there is no memory, or no such engine. The program must outlive the run. */
struct run *run_create(const struct program *program, const struct manner *manner);
void run_destroy(struct run *run);
/* To the beginning again, as if created anew, but cheaper. For runs without reloads. */
void run_restart(struct run *run);
/* To that position exactly, with all events before it, and none at it. */
void run_to(struct run *run, uint64_t position);

#endif
