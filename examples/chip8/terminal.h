/*
 * terminal.h - a terminal of one's own for a while: raw, on the alternate screen.
 *
 * It is given back on every way out. A process that is killed cannot do that for itself, so a small
 * child, the guard, waits for its parent's end and does it then. Called by main() alone.
 */
#ifndef CHIP8_TERMINAL_H
#define CHIP8_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct terminal {
    struct termios before;
    int guard_fd; /* the guard waits until nobody has this open */
    pid_t guard;
};

/* Makes the guard. It gets a copy of every open descriptor, and would keep a killed replica's
 * connections alive: so before there is a node. False: standard input and output are no terminal,
 * or there is no guard; errno says why. */
bool terminal_open(struct terminal *terminal);

/* Takes standard input and output, until terminal_close or the end of the process. */
void terminal_enter(struct terminal *terminal);

/* Gives them back, if they were taken. */
void terminal_close(struct terminal *terminal);

/* Whether a line is taken at once. */
bool terminal_is_ready(void);

/* Writes all of it, and waits while the terminal does not take it. */
void terminal_write(const char *text, size_t size);

#endif
