/*
 * Small programs written by hand, one behaviour each. A scenario runs on the interpreter, stepwise,
 * and on every engine in several manners, from its beginning to each position; all must agree. What
 * the outcome is then asserted by the test.
 *
 * It begins in S mode without paging at SCENARIO_CODE, with all registers 0. Its trap handler skips
 * four bytes, or two if S8 is not 0; it counts traps in S11 and leaves scause in S10 and stval in
 * S9. It uses T6.
 */
#ifndef TESTS_RISCV_SCENARIO_H
#define TESTS_RISCV_SCENARIO_H

#include "tests/riscv/lockstep/run.h"
#include "tests/riscv/support/assembler.h"

#define SCENARIO_CODE FRAME_ADDRESS(FRAME_CODE)
#define SCENARIO_DATA FRAME_ADDRESS(FRAME_DATA)

#define TRAPS      S11
#define TRAP_CAUSE S10
#define TRAP_VALUE S9
#define SHORT_SKIP S8

/* Page table entries: chapter 10.3.1. */
#define PAGE_READ     0x02u
#define PAGE_WRITE    0x04u
#define PAGE_EXECUTE  0x08u
#define PAGE_USER     0x10u
#define PAGE_ACCESSED 0x40u
#define PAGE_DIRTY    0x80u
#define PAGE_ALL      (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_ACCESSED | PAGE_DIRTY)

struct scenario {
    struct program *program;
    uint64_t here;        /* physical address of the next instruction */
    unsigned table_count; /* page tables in use, the first is the root */
    struct run *run;      /* at its end, on the best engine there is */
};

void scenario_begin(struct scenario *scenario);
void scenario_end(struct scenario *scenario);

/* The following instructions go to a physical address. */
void scenario_at(struct scenario *scenario, uint64_t address);
/* One, of either length. */
void scenario_put(struct scenario *scenario, uint32_t bits);
void scenario_put_all(struct scenario *scenario, const uint32_t *bits, size_t count);
#define PUT(scenario, ...)                                                                         \
    scenario_put_all(scenario, (const uint32_t[]){__VA_ARGS__},                                    \
                     sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
void scenario_store(struct scenario *scenario, uint64_t address, uint64_t value, unsigned size);

/* Turns paging on, with all of RAM mapped where it is for S mode; then maps single pages. */
void scenario_page(struct scenario *scenario);
/* Returns the physical address of the entry. */
uint64_t scenario_map(struct scenario *scenario, uint64_t virtual_address, uint64_t physical,
                      unsigned flags);
/* Puts instructions that go on at `pc` in U mode. They use T6. */
void scenario_put_entry_to_user(struct scenario *scenario, uint64_t pc);
void scenario_event(struct scenario *scenario, const struct program_event *event);

/* To that position, in all manners. Aborts the test if any of them disagree. */
void scenario_run(struct scenario *scenario, uint64_t length);
uint64_t scenario_x(const struct scenario *scenario, unsigned index);
uint64_t scenario_csr(const struct scenario *scenario, unsigned number);
uint64_t scenario_load(const struct scenario *scenario, uint64_t address);

#endif
