#include "vmm/backends/console_escape.h"

#define CTRL_A 0x01

size_t console_escape_filter(struct console_escape *escape, const uint8_t *in, size_t size,
                             uint8_t *out, bool *quit)
{
    size_t passed = 0;

    *quit = false;
    for (size_t i = 0; i < size && !*quit; i++) {
        if (!escape->armed && in[i] == CTRL_A) {
            escape->armed = true;
            continue;
        }
        if (escape->armed && in[i] == 'x') {
            *quit = true;
        } else {
            if (escape->armed && in[i] != CTRL_A)
                out[passed++] = CTRL_A;
            out[passed++] = in[i];
        }
        escape->armed = false;
    }
    return passed;
}
