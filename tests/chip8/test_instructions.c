/* Each instruction, and where CHIP-8s differ, what this one does. */
#include <string.h>

#include "tests/chip8/machine.h"

Test(instructions, 00e0_clears_the_screen)
{
    struct chip8 chip8 = MACHINE(0x00e0);
    chip8.screen[17] = 0xff;
    step(&chip8);
    cr_assert_eq(chip8.screen[17], 0);
    cr_assert(chip8_take_screen(&chip8));
    cr_assert(!chip8_take_screen(&chip8));
}

Test(instructions, 2nnn_and_00ee_call_and_return)
{
    struct chip8 chip8 = MACHINE(0x2204, 0x0000, 0x00ee);
    step(&chip8);
    cr_assert_eq(chip8.pc, 0x204);
    cr_assert_eq(chip8.depth, 1);
    step(&chip8);
    cr_assert_eq(chip8.pc, 0x202);
    cr_assert_eq(chip8.depth, 0);
}

Test(instructions, 1nnn_jumps)
{
    struct chip8 chip8 = MACHINE(0x1abc);
    step(&chip8);
    cr_assert_eq(chip8.pc, 0xabc);
}

Test(instructions, bnnn_adds_v0)
{
    struct chip8 chip8 = MACHINE(0xb300);
    chip8.v[0] = 0x12;
    chip8.v[3] = 0x80;
    step(&chip8);
    cr_assert_eq(chip8.pc, 0x312);
}

static bool skips(uint16_t word, uint8_t v1, uint8_t v2)
{
    struct chip8 chip8 = MACHINE(word);
    chip8.v[1] = v1;
    chip8.v[2] = v2;
    step(&chip8);
    cr_assert(chip8.pc == 0x202 || chip8.pc == 0x204);
    return chip8.pc == 0x204;
}

Test(instructions, skips_compare_with_a_number_or_a_register)
{
    cr_assert(skips(0x3107, 7, 0) && !skips(0x3107, 8, 0));
    cr_assert(skips(0x4107, 8, 0) && !skips(0x4107, 7, 0));
    cr_assert(skips(0x5120, 9, 9) && !skips(0x5120, 9, 8));
    cr_assert(skips(0x9120, 9, 8) && !skips(0x9120, 9, 9));
}

Test(instructions, 6xnn_and_7xnn_load_and_add_without_a_carry)
{
    struct chip8 chip8 = MACHINE(0x61ff, 0x7103);
    chip8.v[0xf] = 9;
    step(&chip8);
    cr_assert_eq(chip8.v[1], 0xff);
    step(&chip8);
    cr_assert_eq(chip8.v[1], 2);
    cr_assert_eq(chip8.v[0xf], 9);
}

/* 8XYN with X = 1, Y = 2, VF = 0x77. */
static void arithmetic(uint16_t n, uint8_t v1, uint8_t v2, uint8_t result, uint8_t flag)
{
    struct chip8 chip8 = MACHINE((uint16_t)(0x8120 | n));
    chip8.v[1] = v1;
    chip8.v[2] = v2;
    chip8.v[0xf] = 0x77;
    step(&chip8);
    cr_assert_eq(chip8.v[1], result, "812%x of %u and %u: %u", n, v1, v2, chip8.v[1]);
    cr_assert_eq(chip8.v[2], v2);
    cr_assert_eq(chip8.v[0xf], flag, "812%x of %u and %u: VF %u", n, v1, v2, chip8.v[0xf]);
}

Test(instructions, 8xy0_copies_and_leaves_vf)
{
    arithmetic(0x0, 1, 2, 2, 0x77);
}

Test(instructions, 8xy1_8xy2_8xy3_set_vf_to_0)
{
    arithmetic(0x1, 0x0c, 0x0a, 0x0e, 0);
    arithmetic(0x2, 0x0c, 0x0a, 0x08, 0);
    arithmetic(0x3, 0x0c, 0x0a, 0x06, 0);
}

Test(instructions, 8xy4_tells_the_carry)
{
    arithmetic(0x4, 200, 55, 255, 0);
    arithmetic(0x4, 200, 56, 0, 1);
}

Test(instructions, 8xy5_and_8xy7_tell_that_nothing_was_borrowed)
{
    arithmetic(0x5, 5, 3, 2, 1);
    arithmetic(0x5, 5, 5, 0, 1);
    arithmetic(0x5, 3, 5, 254, 0);
    arithmetic(0x7, 3, 5, 2, 1);
    arithmetic(0x7, 5, 5, 0, 1);
    arithmetic(0x7, 5, 3, 254, 0);
}

Test(instructions, 8xy6_and_8xye_shift_vy)
{
    arithmetic(0x6, 99, 0x05, 0x02, 1);
    arithmetic(0x6, 99, 0x04, 0x02, 0);
    arithmetic(0xe, 99, 0x81, 0x02, 1);
    arithmetic(0xe, 99, 0x41, 0x82, 0);
}

Test(instructions, the_flag_stays_where_vf_is_the_result)
{
    struct chip8 chip8 = MACHINE(0x8f14);
    chip8.v[0xf] = 200;
    chip8.v[1] = 100;
    step(&chip8);
    cr_assert_eq(chip8.v[0xf], 1);
}

Test(instructions, annn_and_fx1e_set_i_and_leave_vf)
{
    struct chip8 chip8 = MACHINE(0xafff, 0xf11e);
    chip8.v[1] = 3;
    chip8.v[0xf] = 9;
    step(&chip8);
    step(&chip8);
    cr_assert_eq(chip8.i, 0x1002);
    cr_assert_eq(chip8.v[0xf], 9);
}

Test(instructions, cxnn_waits_for_a_random_byte_and_masks_it)
{
    struct chip8 chip8 = MACHINE(0xc10f);
    cr_assert_eq(chip8_run(&chip8, 10), CHIP8_STOP_RANDOM);
    cr_assert_eq(chip8.executed, 0);
    chip8_randomize(&chip8, 0xab);
    cr_assert_eq(chip8.executed, 1);
    cr_assert_eq(chip8.v[1], 0x0b);
    cr_assert_eq(chip8.pc, 0x202);
}

Test(instructions, a_random_byte_where_none_is_asked_for_does_nothing)
{
    struct chip8 chip8 = MACHINE(0x6105);
    struct chip8 before = chip8;
    chip8_randomize(&chip8, 0xab);
    cr_assert(memcmp(&chip8, &before, sizeof chip8) == 0);
}

/* A machine at DXY2 of rows f0 and 81, at v1, v2. */
static struct chip8 drawing(uint8_t v1, uint8_t v2)
{
    struct chip8 chip8 = MACHINE(0xd122, 0xd122);
    chip8.memory[0x300] = 0xf0;
    chip8.memory[0x301] = 0x81;
    chip8.i = 0x300;
    chip8.v[1] = v1;
    chip8.v[2] = v2;
    return chip8;
}

static unsigned pixels(const struct chip8 *chip8)
{
    unsigned count = 0;
    for (unsigned k = 0; k < CHIP8_SCREEN; k++) {
        count += (unsigned)__builtin_popcount(chip8->screen[k]);
    }
    return count;
}

Test(instructions, dxyn_draws_and_takes_away)
{
    struct chip8 chip8 = drawing(3, 5);
    step(&chip8);
    cr_assert_eq(chip8.v[0xf], 0);
    cr_assert_eq(pixels(&chip8), 6);
    for (unsigned x = 3; x < 7; x++) {
        cr_assert(chip8_pixel(chip8.screen, x, 5));
    }
    cr_assert(chip8_pixel(chip8.screen, 3, 6) && chip8_pixel(chip8.screen, 10, 6));
    step(&chip8);
    cr_assert_eq(chip8.v[0xf], 1);
    cr_assert_eq(pixels(&chip8), 0);
}

Test(instructions, dxyn_clips_at_the_edges)
{
    struct chip8 chip8 = drawing(62, 31);
    step(&chip8);
    cr_assert_eq(pixels(&chip8), 2);
    cr_assert(chip8_pixel(chip8.screen, 62, 31) && chip8_pixel(chip8.screen, 63, 31));
}

Test(instructions, dxyn_wraps_where_a_sprite_begins)
{
    struct chip8 chip8 = drawing(64 + 3, 32 + 5);
    step(&chip8);
    cr_assert(chip8_pixel(chip8.screen, 3, 5));
    cr_assert_eq(pixels(&chip8), 6);
}

Test(instructions, ex9e_and_exa1_look_at_keys)
{
    struct chip8 down = MACHINE(0xe19e, 0x0000, 0xe1a1);
    struct chip8 up = MACHINE(0xe19e, 0xe1a1);
    down.v[1] = up.v[1] = 0xa;
    cr_assert(chip8_strike(&down, 0xa));
    cr_assert(chip8_strike(&up, 0xb));
    step(&down);
    cr_assert_eq(down.pc, 0x204);
    step(&down);
    cr_assert_eq(down.pc, 0x206);
    step(&up);
    cr_assert_eq(up.pc, 0x202);
    step(&up);
    cr_assert_eq(up.pc, 0x206);
}

Test(instructions, fx07_fx15_fx18_move_timers)
{
    struct chip8 chip8 = MACHINE(0xf115, 0xf118, 0xf207);
    chip8.v[1] = 9;
    step(&chip8);
    step(&chip8);
    step(&chip8);
    cr_assert_eq(chip8.delay, 9);
    cr_assert_eq(chip8.sound, 9);
    cr_assert_eq(chip8.v[2], 9);
}

Test(instructions, fx0a_takes_the_next_key_that_is_struck)
{
    struct chip8 chip8 = MACHINE(0x6000, 0xf10a);
    chip8_strike(&chip8, 3); /* before: is down, but was not struck while it waited */
    cr_assert_eq(chip8_run(&chip8, 10), CHIP8_STOP_FRAME);
    cr_assert_eq(chip8.pc, 0x202);
    chip8_strike(&chip8, 7);
    step(&chip8);
    cr_assert_eq(chip8.v[1], 7);
    cr_assert_eq(chip8.pc, 0x204);
}

Test(instructions, fx29_finds_the_digits)
{
    struct chip8 chip8 = MACHINE(0xf129, 0xd005);
    chip8.v[1] = 0xf1; /* of which the low digit counts */
    step(&chip8);
    step(&chip8);
    cr_assert_eq(chip8.screen[0], 0x20);
    cr_assert_eq(chip8.screen[8], 0x60);
    cr_assert_eq(chip8.screen[32], 0x70);
}

Test(instructions, fx33_stores_decimal_digits)
{
    struct chip8 chip8 = MACHINE(0xf133);
    chip8.v[1] = 207;
    chip8.i = 0x300;
    step(&chip8);
    cr_assert_arr_eq(chip8.memory + 0x300, ((uint8_t[]){2, 0, 7}), 3);
    cr_assert_eq(chip8.i, 0x300);
}

Test(instructions, fx55_and_fx65_move_i_behind_the_last)
{
    struct chip8 chip8 = MACHINE(0xf155, 0xf165);
    chip8.i = 0x300;
    chip8.v[0] = 1;
    chip8.v[1] = 2;
    chip8.v[2] = 3;
    step(&chip8);
    cr_assert_eq(chip8.i, 0x302);
    cr_assert_arr_eq(chip8.memory + 0x300, ((uint8_t[]){1, 2, 0}), 3);
    chip8.i = 0x301;
    step(&chip8);
    cr_assert_eq(chip8.i, 0x303);
    cr_assert_eq(chip8.v[0], 2);
    cr_assert_eq(chip8.v[1], 0);
}
