/*
 * A random program for the bare hart: its memory, its registers, and what happens to it from
 * outside. A pure function of the choices.
 *
 * It runs in S and U mode in several address spaces (layout.h). Its trap handler goes on behind the
 * instruction that trapped, or at a random place as one of the tasks; so do the events from time to
 * time, as a program like this may lock itself up.
 */
#ifndef TESTS_RISCV_PROGRAM_H
#define TESTS_RISCV_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/riscv/programs/choices.h"
#include "tests/riscv/programs/layout.h"
#include "vmm/riscv/hart.h"

#define PROGRAM_TASKS  16u
#define PROGRAM_EVENTS 64u

enum program_event_kind {
    EVENT_CHECK,    /* nothing: harts are compared at every event */
    EVENT_CLOCK,    /* `value`: rate; the clock jumps ahead by `size` nanoseconds */
    EVENT_EXTERNAL, /* level `value` */
    EVENT_SOFTWARE,
    EVENT_WRITE,   /* a device writes the low `size` bytes of `value` at `address` */
    EVENT_COPY,    /* `size` bytes from `value` to `address`, both in RAM */
    EVENT_RESTORE, /* handler and page tables as in the beginning, then EVENT_TASK */
    EVENT_TASK,    /* the handler chooses another task */
};

struct program_event {
    uint64_t position;
    enum program_event_kind kind;
    uint64_t address;
    uint64_t value;
    uint64_t size;
};

struct program {
    uint8_t ram[PROGRAM_RAM];
    uint64_t x[32];
    uint64_t f[32];
    uint64_t fcsr;
    uint64_t sstatus;
    uint64_t sie;
    uint64_t stvec;
    uint64_t stimecmp;
    uint64_t satp;
    uint64_t task_pc; /* where the handler chooses a task; the program begins there */
    bool environment_clock;
    struct hart_clock clock;
    uint64_t length; /* positions to run */
    unsigned event_count;
    struct program_event events[PROGRAM_EVENTS]; /* in the order of their positions */
};

/* Where the handler's context lies in its frame: as far behind the auipc that finds it. */
#define PROGRAM_CONTEXT 72u

/* A task as the handler reads it from its context. */
struct program_task {
    uint64_t satp;
    uint64_t pc;
    uint64_t sstatus;
    uint64_t sp;
    uint64_t gp;
    uint64_t s0;
    uint64_t unused[2];
};

void program_generate(struct program *program, struct choices choices, uint64_t length);

/* The parts of it. */
void program_make_tables(struct program *program, struct choices *choices);
void program_make_handler(struct program *program, struct choices *choices);
void program_make_code(struct program *program, struct choices *choices);
void program_make_tasks(struct program *program, struct choices *choices);
void program_make_events(struct program *program, struct choices *choices);
uint64_t program_satp(unsigned space);

#endif
