/*
 * console.h - the machine's screen in a terminal, with a line below that says what the replica is.
 *
 * Outputs come on the library's threads, which must not wait for a terminal: they leave the newest
 * picture here, and the main thread draws it. A picture that is late is replaced by the next.
 */
#ifndef CHIP8_CONSOLE_H
#define CHIP8_CONSOLE_H

#include <pthread.h>

#include "node.h"

#define CONSOLE_LINE 256u

struct console {
    pthread_mutex_t lock; /* for what follows */
    uint8_t screen[CHIP8_SCREEN];
    bool is_new; /* since it was drawn */
    bool beeps;
    char note[CONSOLE_LINE]; /* what happened last */
    int wake_fd;             /* readable: there is something to draw. Wired, not locked */
};

/* False: no descriptor; errno says why. */
bool console_open(struct console *console);
void console_close(struct console *console);

/* The front whose context is this console. */
void console_front(struct console *console, struct chip8_front *front);

/* Something happened. Any thread. */
void console_note(struct console *console, const char *text);

/* Draws what the replica's status asks for: the game, or that it is protected here. `title` is the
 * program's name. Main thread. */
void console_draw(struct console *console, const struct ftvm_status *status, const char *title);

/* ---- Texts ----------------------------------------------------------------------------------- */

#define CONSOLE_PICTURE (CHIP8_WIDTH * 3u * (CHIP8_HEIGHT / 2u) + 16u * 16u)

/* The screen in 16 lines of 64 half blocks, each at its place. The size; not terminated. */
size_t console_picture(char text[CONSOLE_PICTURE], const uint8_t screen[CHIP8_SCREEN]);

/* A line on what a replica is. */
void console_status(char line[CONSOLE_LINE], const struct ftvm_status *status, const char *title);

#endif
