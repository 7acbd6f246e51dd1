/* What is not one instruction: bounds, frames, waiting, keys, the state as bytes. */
#include <stdlib.h>
#include <string.h>

#include "tests/chip8/machine.h"

/* ---- Bounds */

Test(bounds, what_is_no_instruction_halts)
{
    static const uint16_t words[] = {0x0000, 0x0123, 0x5121, 0x8128, 0x812f,
                                     0x9121, 0xe19f, 0xf100, 0xf1ff};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        struct chip8 chip8 = MACHINE(words[k]);
        step_fails(&chip8, CHIP8_FAULT_INSTRUCTION);
    }
}

Test(bounds, running_off_the_end_halts)
{
    struct chip8 chip8 = MACHINE(0x1fff);
    step(&chip8);
    step_fails(&chip8, CHIP8_FAULT_FETCH);
}

Test(bounds, jumping_beyond_the_end_halts)
{
    struct chip8 chip8 = MACHINE(0xbfff);
    chip8.v[0] = 0xff;
    step(&chip8);
    step_fails(&chip8, CHIP8_FAULT_FETCH);
}

Test(bounds, the_17th_call_halts)
{
    struct chip8 chip8 = MACHINE(0x2200);
    for (unsigned k = 0; k < CHIP8_STACK; k++) {
        step(&chip8);
    }
    step_fails(&chip8, CHIP8_FAULT_OVERFLOW);
}

Test(bounds, a_return_without_a_call_halts)
{
    struct chip8 chip8 = MACHINE(0x00ee);
    step_fails(&chip8, CHIP8_FAULT_UNDERFLOW);
}

Test(bounds, memory_ends_at_4_kib)
{
    static const struct {
        uint16_t word;
        uint16_t last; /* I for which it is still inside */
    } cases[] = {
        {0xd125, 4091}, {0xf133, 4093}, {0xff55, 4080}, {0xff65, 4080}, {0xf055, 4095},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct chip8 inside = MACHINE(cases[k].word);
        struct chip8 beyond = inside;
        inside.i = cases[k].last;
        step(&inside);
        cr_assert_eq(inside.fault, CHIP8_FAULT_NONE);
        beyond.i = cases[k].last + 1;
        step_fails(&beyond, CHIP8_FAULT_MEMORY);
        beyond = (MACHINE(cases[k].word));
        beyond.i = UINT16_MAX;
        step_fails(&beyond, CHIP8_FAULT_MEMORY);
    }
}

Test(bounds, programs_of_noise_stay_inside)
{
    uint64_t executed = 0;
    srandom(1);
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t words[32];
        for (unsigned k = 0; k < 32; k++) {
            words[k] = (uint16_t)random();
        }
        struct chip8 chip8 = with_program(words, 32);
        for (unsigned k = 0; k < 8; k++) {
            chip8.v[k] = (uint8_t)random();
        }
        for (unsigned frame = 0; frame < 4 && chip8.fault == CHIP8_FAULT_NONE; frame++) {
            while (chip8_run(&chip8, 500) == CHIP8_STOP_RANDOM) {
                chip8_randomize(&chip8, (uint8_t)random());
            }
            chip8_strike(&chip8, random() & 0xf);
            if (chip8.fault == CHIP8_FAULT_NONE) {
                chip8_pass(&chip8, 1);
            }
        }
        executed += chip8.executed;
    }
    cr_assert(executed > 20000, "%llu", (unsigned long long)executed);
}

Test(bounds, a_program_must_fit)
{
    struct chip8 chip8;
    uint8_t program[CHIP8_PROGRAM + 1] = {0x12, 0x00};
    cr_assert(chip8_reset(&chip8, program, CHIP8_PROGRAM, 1));
    cr_assert(!chip8_reset(&chip8, program, CHIP8_PROGRAM + 1, 1));
    cr_assert(!chip8_reset(&chip8, program, 0, 1));
    cr_assert(!chip8_reset(&chip8, program, 2, 0));
    cr_assert(!chip8_reset(&chip8, program, 2, CHIP8_MAX_SPEED + 1));
}

/* ---- Frames and waiting */

Test(frames, a_frame_has_so_many_instructions)
{
    struct chip8 chip8 = MACHINE(0x7101, 0x1200);
    cr_assert_eq(chip8_run(&chip8, 2 * SPEED), CHIP8_STOP_FRAME);
    cr_assert_eq(chip8.executed, SPEED);
    cr_assert_eq(chip8_idle_frames(&chip8), 1);
    chip8_pass(&chip8, 1);
    cr_assert_eq(chip8.frame, 1);
    cr_assert_eq(chip8_run(&chip8, 10), CHIP8_STOP_LIMIT);
    cr_assert_eq(chip8.executed, SPEED + 10);
}

Test(frames, timers_run_between_them_and_stop_at_0)
{
    struct chip8 chip8 = MACHINE(0x1202, 0x1200);
    chip8.delay = 3;
    chip8.sound = 1;
    chip8_pass(&chip8, 1);
    cr_assert(chip8.delay == 2 && chip8.sound == 0);
    chip8_pass(&chip8, 5);
    cr_assert(chip8.delay == 0 && chip8.sound == 0);
}

Test(frames, a_program_that_waits_for_a_key_ends_its_frame)
{
    struct chip8 chip8 = MACHINE(0xf10a);
    cr_assert_eq(chip8_run(&chip8, 10), CHIP8_STOP_FRAME);
    cr_assert_eq(chip8.executed, 0);
    cr_assert_eq(chip8_idle_frames(&chip8), CHIP8_FOREVER);
    chip8.delay = 9;
    chip8.sound = 4;
    cr_assert_eq(chip8_idle_frames(&chip8), 4);
}

Test(frames, a_program_that_waits_for_the_timer_sleeps_until_it_is_0)
{
    struct chip8 chip8 = MACHINE(0xf107, 0x3100, 0x1200, 0x6001);
    chip8.delay = 30;
    cr_assert_eq(chip8_run(&chip8, 10), CHIP8_STOP_FRAME);
    cr_assert_eq(chip8_idle_frames(&chip8), 30);
    chip8_pass(&chip8, 29);
    cr_assert_eq(chip8_idle_frames(&chip8), 1);
    chip8_pass(&chip8, 1);
    cr_assert_eq(chip8_run(&chip8, 3), CHIP8_STOP_LIMIT);
    cr_assert_eq(chip8.v[0], 1);
    cr_assert_eq(chip8.v[1], 0);
}

Test(frames, other_loops_do_not_count_as_waiting)
{
    struct chip8 other_register = MACHINE(0xf107, 0x3200, 0x1200);
    struct chip8 other_value = MACHINE(0xf107, 0x3105, 0x1200);
    struct chip8 other_place = MACHINE(0xf107, 0x3100, 0x1202);
    struct chip8 *all[] = {&other_register, &other_value, &other_place};
    for (unsigned k = 0; k < 3; k++) {
        all[k]->delay = 30;
        all[k]->v[2] = 1;
        cr_assert_eq(chip8_run(all[k], 10), CHIP8_STOP_LIMIT);
    }
}

Test(frames, a_program_that_jumps_to_itself_stands_still)
{
    struct chip8 chip8 = MACHINE(0x1200);
    cr_assert_eq(chip8_run(&chip8, 10), CHIP8_STOP_FRAME);
    cr_assert_eq(chip8.executed, 0);
    cr_assert_eq(chip8_idle_frames(&chip8), CHIP8_FOREVER);
}

Test(frames, whether_one_is_over_does_not_depend_on_the_limit)
{
    struct chip8 with_more = MACHINE(0x6105, 0xf20a);
    struct chip8 to_the_point = with_more;
    cr_assert_eq(chip8_run(&with_more, 100), CHIP8_STOP_FRAME);
    cr_assert_eq(chip8_run(&to_the_point, 1), CHIP8_STOP_FRAME);
    cr_assert(memcmp(&with_more, &to_the_point, sizeof with_more) == 0);
}

Test(frames, the_tone_is_told_when_it_begins_and_ends)
{
    struct chip8 chip8 = MACHINE(0x1200);
    bool on;
    cr_assert(!chip8_take_sound(&chip8, &on));
    chip8.sound = 2;
    cr_assert(chip8_take_sound(&chip8, &on) && on);
    cr_assert(!chip8_take_sound(&chip8, &on));
    chip8_pass(&chip8, 2);
    cr_assert(chip8_take_sound(&chip8, &on) && !on);
}

/* ---- Keys */

Test(key, is_down_for_some_frames)
{
    struct chip8 chip8 = MACHINE(0x1200);
    cr_assert(chip8_strike(&chip8, 5));
    chip8_pass(&chip8, CHIP8_KEY_FRAMES - 1);
    cr_assert(chip8_is_down(&chip8, 5));
    chip8_pass(&chip8, 1);
    cr_assert(!chip8_is_down(&chip8, 5));
}

Test(key, comes_up_when_another_is_struck)
{
    struct chip8 chip8 = MACHINE(0x1200);
    chip8_strike(&chip8, 5);
    chip8_strike(&chip8, 6);
    cr_assert(!chip8_is_down(&chip8, 5) && chip8_is_down(&chip8, 6));
}

Test(key, that_there_is_not_is_refused)
{
    struct chip8 chip8 = MACHINE(0xf10a);
    cr_assert(!chip8_strike(&chip8, CHIP8_KEYS));
    cr_assert(!chip8.is_struck);
}

/* ---- The state */

static struct chip8 full(void)
{
    struct chip8 chip8 = MACHINE(0xf10a);
    uint8_t noise[CHIP8_MEMORY];
    srandom(2);
    for (unsigned k = 0; k < sizeof noise; k++) {
        noise[k] = (uint8_t)random();
    }
    chip8_strike(&chip8, 6);
    chip8.executed = UINT64_C(0x123456789abcdef);
    chip8.frame = UINT64_C(0xfedcba987654321);
    chip8.left = 7;
    chip8.i = 0xffff;
    memcpy(chip8.stack, noise, sizeof chip8.stack);
    memcpy(chip8.v, noise + 100, sizeof chip8.v);
    chip8.depth = 16;
    chip8.delay = 255;
    chip8.sound = 1;
    chip8.is_drawn = chip8.is_heard = true;
    memcpy(chip8.screen, noise + 200, sizeof chip8.screen);
    memcpy(chip8.memory + CHIP8_START, noise + CHIP8_START, CHIP8_PROGRAM);
    return chip8;
}

Test(state, comes_back_as_it_was)
{
    struct chip8 saved = full();
    struct chip8 loaded;
    uint8_t bytes[CHIP8_STATE_SIZE];
    uint8_t again[CHIP8_STATE_SIZE];
    memset(bytes, 0xaa, sizeof bytes);
    chip8_save(&saved, bytes);
    cr_assert(chip8_load(&loaded, bytes));
    chip8_save(&loaded, again);
    cr_assert_arr_eq(bytes, again, sizeof bytes);
    cr_assert_eq(loaded.executed, saved.executed);
    cr_assert_eq(loaded.stack[15], saved.stack[15]);
    cr_assert_eq(loaded.key_frames[6], CHIP8_KEY_FRAMES);
    cr_assert(loaded.is_struck && loaded.struck == 6 && loaded.is_drawn && loaded.is_heard);
    cr_assert_arr_eq(loaded.memory, saved.memory, sizeof loaded.memory);
}

static bool is_taken(size_t at, uint8_t byte)
{
    struct chip8 saved = full();
    struct chip8 loaded;
    uint8_t bytes[CHIP8_STATE_SIZE];
    chip8_save(&saved, bytes);
    bytes[at] = byte;
    return chip8_load(&loaded, bytes);
}

Test(state, that_cannot_be_is_refused)
{
    enum {
        SPEED_AT = 20,
        LEFT_AT = 24,
        DEPTH_AT = 64,
        STRUCK_AT = 67,
        KEYS_AT = 84,
        FLAGS_AT = 100
    };
    cr_assert(is_taken(DEPTH_AT, 16) && !is_taken(DEPTH_AT, 17));
    cr_assert(!is_taken(0, CHIP8_STATE_VERSION + 1));
    cr_assert(!is_taken(SPEED_AT + 2, 1));
    cr_assert(!is_taken(LEFT_AT + 1, 0xff));
    cr_assert(!is_taken(STRUCK_AT, 16));
    cr_assert(!is_taken(KEYS_AT, CHIP8_KEY_FRAMES + 1));
    cr_assert(!is_taken(FLAGS_AT, 0x08));
    cr_assert(!is_taken(FLAGS_AT + 1, CHIP8_FAULT_COUNT));
}

Test(state, of_noise_is_refused_or_runs_inside_its_bounds)
{
    struct chip8 saved = full();
    unsigned taken = 0;
    srandom(3);
    for (unsigned round = 0; round < 20000; round++) {
        struct chip8 loaded;
        uint8_t bytes[CHIP8_STATE_SIZE];
        chip8_save(&saved, bytes);
        for (unsigned k = 0; k < 3; k++) {
            bytes[random() % 104] = (uint8_t)random();
        }
        if (chip8_load(&loaded, bytes)) {
            taken++;
            chip8_strike(&loaded, 1);
            while (chip8_run(&loaded, 100) == CHIP8_STOP_RANDOM) {
                chip8_randomize(&loaded, 1);
            }
        }
    }
    cr_assert(taken > 100, "%u", taken);
}
