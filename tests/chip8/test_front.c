/* Between the machine and a player: keys that a terminal sends, pictures that it shows. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "examples/chip8/console.h"
#include "examples/chip8/keys.h"

/* The keys of a text, as hexadecimal digits, q for Ctrl-C. */
static void types(const char *text, const char *expected)
{
    struct keys keys = {0};
    char taken[64] = "";
    size_t count = 0;
    for (; *text != '\0'; text++) {
        int key = keys_take(&keys, *text);
        if (key != KEYS_NONE) {
            taken[count++] = key == KEYS_QUIT ? 'q' : "0123456789abcdef"[key];
        }
    }
    cr_assert_str_eq(taken, expected);
}

Test(keys, are_the_left_block_of_a_keyboard)
{
    types("1234qwerasdfzxcv", "123c456d789ea0bf");
    types("QWER", "456d");
    types(" 567\n", "");
}

Test(keys, come_from_arrows_too)
{
    types("\033[A\033[B\033[C\033[D", "5897");
    types("\033OA", "5");
    types("\033[Aw\033w", "555");
}

Test(keys, end_at_ctrl_c)
{
    types("w\003", "5q");
    types("\033[\003", "q");
}

Test(picture, has_two_pixels_in_a_cell)
{
    static const uint8_t screen[CHIP8_SCREEN] = {0xa0, [8] = 0x60, [16] = 0x80};
    char text[CONSOLE_PICTURE + 1];
    text[console_picture(text, screen)] = '\0';
    cr_assert_eq(strncmp(text, "\033[1;1H▀▄█ ", strlen("\033[1;1H▀▄█ ")), 0);
    cr_assert_not_null(strstr(text, "\033[2;1H▀ "));
}

Test(picture, of_a_full_screen_has_room)
{
    uint8_t screen[CHIP8_SCREEN];
    char text[CONSOLE_PICTURE];
    memset(screen, 0xff, sizeof screen);
    cr_assert(console_picture(text, screen) < CONSOLE_PICTURE);
}

Test(status, says_what_the_replica_is)
{
    struct ftvm_status status = {.size = sizeof status, .role = FTVM_ROLE_BACKUP, .position = 7};
    char line[CONSOLE_LINE];
    status.is_protected = true;
    console_status(line, &status, "worm");
    cr_assert_str_eq(line, "backup: protects worm, position 7");
    status.role = FTVM_ROLE_PRIMARY;
    strcpy(status.peer, "other");
    console_status(line, &status, "worm");
    cr_assert_str_eq(line, "primary: worm, protected by other, position 7");
    status.is_protected = false;
    console_status(line, &status, "worm");
    cr_assert_str_eq(line, "primary: worm, NOT protected, position 7");
}
