/*
 * What a random program meets outside of its hart: devices, SBI, a clock of the environment. A
 * function of what the program did, so that two worlds agree as long as their programs do. All that
 * crosses the border is recorded.
 */
#ifndef TESTS_RISCV_WORLD_H
#define TESTS_RISCV_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "tests/riscv/programs/program.h"
#include "vmm/riscv/hart.h"

enum record_kind { RECORD_READ, RECORD_WRITE, RECORD_CALL, RECORD_TIME, RECORD_STOP };

struct record {
    enum record_kind kind;
    unsigned size;
    uint64_t position;
    uint64_t pc;
    uint64_t address;
    uint64_t value;  /* written, returned; the reason of a stop */
    uint64_t digest; /* of the hart, before anything was done */
};

struct world {
    const struct program *program;
    struct hart *hart; /* to be set before it runs */
    struct guest_memory memory;
    struct record *records;
    size_t count;
    size_t capacity;
};

struct hart_callbacks world_callbacks(struct world *world);
/* The records alone are the world's own. */
void world_destroy(struct world *world);
struct record *world_record(struct world *world, enum record_kind kind, uint64_t address,
                            uint64_t value);
/* Lets the handler choose a task, wherever the hart is. */
void world_choose_task(struct world *world);

#endif
