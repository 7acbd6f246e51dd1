/*
 * reference PROGRAM FRAMES: the lines that a replica with --headless prints of a program, from the
 * machine alone: no replica, no pace, no keys, and 0 for all randomness.
 */
#include <stdio.h>
#include <stdlib.h>

#include "examples/chip8/headless.h"

#define SPEED 15u

int main(int count, char **arguments)
{
    static const uint8_t random = 0;
    uint8_t program[CHIP8_PROGRAM];
    struct chip8_front front;
    struct chip8 chip8;
    FILE *stream = count == 3 ? fopen(arguments[1], "rb") : NULL;
    if (stream == NULL) {
        fprintf(stderr, "usage: reference PROGRAM FRAMES\n");
        return 2;
    }
    size_t size = fread(program, 1, sizeof program, stream);
    fclose(stream);
    headless_front(&front);
    if (!chip8_reset(&chip8, program, size, SPEED)) {
        return 1;
    }
    for (long frames = strtol(arguments[2], NULL, 10); frames > 0; frames--) {
        enum chip8_stop stop;
        bool on;
        while ((stop = chip8_run(&chip8, SPEED)) == CHIP8_STOP_RANDOM) {
            chip8_randomize(&chip8, random);
        }
        if (stop == CHIP8_STOP_FAULT) {
            break;
        }
        if (chip8_take_screen(&chip8)) {
            front.screen(front.context, chip8.frame, chip8.screen);
        }
        if (chip8_take_sound(&chip8, &on)) {
            front.sound(front.context, chip8.frame, on);
        }
        chip8_pass(&chip8, 1);
    }
    return 0;
}
