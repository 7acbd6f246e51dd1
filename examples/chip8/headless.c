#include "headless.h"

#include <stdio.h>
#include <string.h>

#include "terminal.h"

#define LINE 256

uint64_t headless_digest(const uint8_t screen[CHIP8_SCREEN])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (unsigned k = 0; k < CHIP8_SCREEN; k++) {
        hash = (hash ^ screen[k]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static void on_screen(void *context, uint64_t frame, const uint8_t screen[CHIP8_SCREEN])
{
    char line[LINE];
    int size = snprintf(line, sizeof line, "screen %llu %016llx\n", (unsigned long long)frame,
                        (unsigned long long)headless_digest(screen));
    (void)context;
    terminal_write(line, (size_t)size);
}

static void on_sound(void *context, uint64_t frame, bool on)
{
    char line[LINE];
    int size = snprintf(line, sizeof line, "sound %llu %s\n", (unsigned long long)frame,
                        on ? "on" : "off");
    (void)context;
    terminal_write(line, (size_t)size);
}

static void on_message(void *context, const char *text, size_t size)
{
    char line[LINE];
    int length =
        snprintf(line, sizeof line, "message %.*s\n", (int)(size < 200 ? size : 200), text);
    (void)context;
    terminal_write(line, (size_t)length);
}

static bool is_ready(void *context)
{
    (void)context;
    return terminal_is_ready();
}

void headless_front(struct chip8_front *front)
{
    *front = (struct chip8_front){
        .is_ready = is_ready, .screen = on_screen, .sound = on_sound, .message = on_message};
}
