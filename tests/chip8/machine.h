/*
 * A CHIP-8 machine with a few words of program in it, for tests.
 */
#ifndef TESTS_CHIP8_MACHINE_H
#define TESTS_CHIP8_MACHINE_H

#include <criterion/criterion.h>

#include "examples/chip8/chip8.h"

#define SPEED 1000u

/* A machine that has the words, and stands before the first. */
static inline struct chip8 with_program(const uint16_t *words, size_t count)
{
    static const size_t most = CHIP8_PROGRAM / 2;
    uint8_t program[CHIP8_PROGRAM];
    struct chip8 chip8;
    cr_assert(count <= most);
    for (size_t k = 0; k < count; k++) {
        program[2 * k] = (uint8_t)(words[k] >> 8);
        program[2 * k + 1] = (uint8_t)words[k];
    }
    cr_assert(chip8_reset(&chip8, program, 2 * count, SPEED));
    return chip8;
}

#define MACHINE(...)                                                                               \
    with_program((const uint16_t[]){__VA_ARGS__},                                                  \
                 sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

/* One instruction, of a program that does not wait there. */
static inline void step(struct chip8 *chip8)
{
    uint64_t before = chip8->executed;
    chip8_run(chip8, 1);
    cr_assert_eq(chip8->executed, before + 1);
}

/* One that halts the program, for this reason and where it stands. */
static inline void step_fails(struct chip8 *chip8, enum chip8_fault fault)
{
    uint16_t pc = chip8->pc;
    step(chip8);
    cr_assert_eq(chip8->fault, fault, "%s", chip8_fault_text(chip8->fault));
    cr_assert_eq(chip8->pc, pc);
    cr_assert_eq(chip8_run(chip8, 1), CHIP8_STOP_FAULT);
    cr_assert_eq(chip8_idle_frames(chip8), CHIP8_FOREVER);
}

#endif
