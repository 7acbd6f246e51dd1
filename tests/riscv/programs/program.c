#include "tests/riscv/programs/program.h"

#include <string.h>

#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/step.h"
#include "tests/riscv/programs/values.h"

/* Written by nothing but steps that say so. */
#define KEPT (1u << SP | 1u << GP | 1u << S0)

#define SSTATUS_FS_INITIAL (UINT64_C(1) << 13)
#define TIMER_SOON         64u /* ticks */

static void make_weights(struct emitter *e)
{
    /* Each program has its own taste; most steps are the ones that are most in real code. */
    static const uint8_t usual[STEP_KINDS] = {
        [STEP_REGISTER] = 8, [STEP_IMMEDIATE] = 6, [STEP_COMPRESSED] = 8, [STEP_CONSTANT] = 3,
        [STEP_MEMORY] = 12,  [STEP_ATOMIC] = 2,    [STEP_FLOAT] = 6,      [STEP_FLOAT_CONTROL] = 1,
        [STEP_BRANCH] = 10,  [STEP_LOOP] = 4,      [STEP_CALL] = 4,       [STEP_INDIRECT] = 2,
        [STEP_BASE] = 2,     [STEP_CSR] = 2,       [STEP_SYSTEM] = 1,     [STEP_SPACE] = 1,
        [STEP_TABLE] = 1,    [STEP_MODIFY] = 2};
    static const uint8_t factors[] = {0, 1, 1, 1, 2, 4};

    for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
        e->weights[kind] = (uint8_t)(usual[kind] * CHOOSE_FROM(e->choices, factors));
    }
    e->weights[STEP_REGISTER] += 1; /* never all of them 0 */
}

void program_make_code(struct program *program, struct choices *choices)
{
    struct emitter emitter = {.choices = choices,
                              .code = program->ram + FRAME_CODE * GUEST_PAGE_SIZE,
                              .size = PROGRAM_CODE_PAGES * GUEST_PAGE_SIZE,
                              .kept = KEPT};
    unsigned used;

    make_weights(&emitter);
    do { /* until nothing fits any more */
        used = emitter.used;
        for (unsigned i = 0; i < 16; i++) {
            step(&emitter);
        }
    } while (emitter.used != used);
}

static void make_data(struct program *program, struct choices *choices)
{
    for (unsigned place = FRAME_DATA * GUEST_PAGE_SIZE; place < PROGRAM_RAM;) {
        uint64_t value = choose(choices, 2) ? value_integer(choices) : value_float(choices);
        memcpy(program->ram + place, &value, sizeof value);
        /* Offsets of loads lie around the starts of pages. */
        place += place % GUEST_PAGE_SIZE == 256 ? GUEST_PAGE_SIZE - 512 : sizeof value;
    }
}

void program_generate(struct program *program, struct choices choices, uint64_t length)
{
    struct choices *c = &choices;

    memset(program, 0, sizeof *program);
    program->length = length;
    program->stvec = choose(c, 4) != 0 ? ALIAS_RAM
                     : choose(c, 2)    ? (uint64_t)ALIAS_HIGH
                                       : ALIAS_HIGH_2M;
    program->stvec += choose(c, 2); /* vectored */
    program->satp = program_satp(choose(c, PROGRAM_SPACES));
    program->sstatus = SSTATUS_FS_INITIAL;
    program->sie = choose_bits(c);
    program->environment_clock = choose_one_in(c, 6);
    program->clock = (struct hart_clock){.clock_ns = choose(c, 100000),
                                         .rate_q32 = (uint64_t)choose(c, 1 << 16) << 22};
    program->stimecmp =
        program->clock.clock_ns / HART_TIME_TICK_NS + (uint64_t)choose(c, TIMER_SOON);
    program_make_code(program, c);
    for (unsigned i = 1; i < 32; i++) {
        program->x[i] = value_integer(c);
        program->f[i] = value_float(c);
    }
    program->fcsr = choose(c, 5) << 5;
    program_make_handler(program, c);
    program_make_tasks(program, c);
    program_make_tables(program, c);
    make_data(program, c);
    program_make_events(program, c);
}
