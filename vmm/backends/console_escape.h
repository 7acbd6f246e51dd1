/*
 * The keys by which the user of a terminal speaks to us and not to the guest: Ctrl-A x quits,
 * Ctrl-A Ctrl-A sends one Ctrl-A. After any other key both are passed on, so that nothing typed is
 * lost.
 */
#ifndef VMM_BACKENDS_CONSOLE_ESCAPE_H
#define VMM_BACKENDS_CONSOLE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console_escape {
    bool armed; /* a Ctrl-A was the last key */
};

/* Filters `size` bytes of `in` to `out`, which has room for size + 1, and returns how many are for
 * the guest. Sets `quit` and stops there if the user asked to quit. */
size_t console_escape_filter(struct console_escape *escape, const uint8_t *in, size_t size,
                             uint8_t *out, bool *quit);

#endif
