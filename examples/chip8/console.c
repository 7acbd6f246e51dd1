#include "console.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "terminal.h"

#define STATUS_ROW 18u
#define NOTE_ROW   19u
#define HELP_ROW   20u

static void wake(struct console *console)
{
    uint64_t one = 1;
    if (write(console->wake_fd, &one, sizeof one) < 0) {
        return; /* it is full of wakes already */
    }
}

static void on_screen(void *context, uint64_t frame, const uint8_t screen[CHIP8_SCREEN])
{
    struct console *console = context;
    (void)frame;
    pthread_mutex_lock(&console->lock);
    memcpy(console->screen, screen, CHIP8_SCREEN);
    console->is_new = true;
    pthread_mutex_unlock(&console->lock);
    wake(console);
}

static void on_sound(void *context, uint64_t frame, bool on)
{
    struct console *console = context;
    (void)frame;
    pthread_mutex_lock(&console->lock);
    console->beeps = console->beeps || on;
    pthread_mutex_unlock(&console->lock);
    wake(console);
}

static void on_message(void *context, const char *text, size_t size)
{
    char line[CONSOLE_LINE];
    snprintf(line, sizeof line, "%.*s", (int)size, text);
    console_note(context, line);
}

void console_note(struct console *console, const char *text)
{
    pthread_mutex_lock(&console->lock);
    snprintf(console->note, sizeof console->note, "%s", text);
    pthread_mutex_unlock(&console->lock);
    wake(console);
}

bool console_open(struct console *console)
{
    memset(console, 0, sizeof *console);
    pthread_mutex_init(&console->lock, NULL);
    console->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return console->wake_fd >= 0;
}

void console_close(struct console *console)
{
    close(console->wake_fd);
    pthread_mutex_destroy(&console->lock);
}

void console_front(struct console *console, struct chip8_front *front)
{
    *front = (struct chip8_front){
        .screen = on_screen,
        .sound = on_sound,
        .message = on_message,
        .context = console,
    };
}

size_t console_picture(char text[CONSOLE_PICTURE], const uint8_t screen[CHIP8_SCREEN])
{
    static const char cells[4][4] = {" ", "▀", "▄", "█"};
    char *end = text;
    for (unsigned line = 0; line < CHIP8_HEIGHT / 2; line++) {
        end += sprintf(end, "\033[%u;1H", line + 1);
        for (unsigned x = 0; x < CHIP8_WIDTH; x++) {
            unsigned upper = chip8_pixel(screen, x, 2 * line);
            unsigned lower = chip8_pixel(screen, x, 2 * line + 1);
            end = stpcpy(end, cells[upper + 2 * lower]);
        }
        end = stpcpy(end, "\033[K");
    }
    return (size_t)(end - text);
}

void console_status(char line[CONSOLE_LINE], const struct ftvm_status *status, const char *title)
{
    unsigned long long position = status->position;
    if (status->role == FTVM_ROLE_BACKUP) {
        snprintf(line, CONSOLE_LINE, "backup: %s %s, position %llu",
                 status->is_protected ? "protects" : "joins", title, position);
    } else if (status->is_protected) {
        snprintf(line, CONSOLE_LINE, "primary: %s, protected by %s, position %llu", title,
                 status->peer, position);
    } else {
        snprintf(line, CONSOLE_LINE, "primary: %s, NOT protected, position %llu", title, position);
    }
}

static void help(char line[CONSOLE_LINE], const struct ftvm_status *status)
{
    if (status->role == FTVM_ROLE_BACKUP) {
        snprintf(line, CONSOLE_LINE, "goes on here when the primary is lost; Ctrl-C leaves");
    } else if (status->is_protected) {
        snprintf(line, CONSOLE_LINE, "arrows or 1234 qwer asdf zxcv; Ctrl-C ends the machine");
    } else {
        snprintf(line, CONSOLE_LINE, "to protect it: chip8 backup --join 127.0.0.1:%u",
                 status->listen_port);
    }
}

static size_t row(char *text, unsigned at, const char *line)
{
    return (size_t)sprintf(text, "\033[%u;1H%.79s\033[K", at, line);
}

void console_draw(struct console *console, const struct ftvm_status *status, const char *title)
{
    char text[CONSOLE_PICTURE + 4 * CONSOLE_LINE];
    char line[CONSOLE_LINE];
    uint8_t screen[CHIP8_SCREEN];
    size_t size = 0;
    uint64_t wakes;
    bool plays = status->role == FTVM_ROLE_PRIMARY;
    if (read(console->wake_fd, &wakes, sizeof wakes) < 0) {
        wakes = 0; /* nothing new: the status alone */
    }
    pthread_mutex_lock(&console->lock);
    memcpy(screen, console->screen, sizeof screen);
    bool is_new = console->is_new;
    bool beeps = console->beeps && plays;
    console->is_new = console->beeps = false;
    snprintf(line, sizeof line, "%s", console->note);
    pthread_mutex_unlock(&console->lock);
    size += is_new ? console_picture(text, screen) : 0;
    size += row(text + size, NOTE_ROW, line);
    console_status(line, status, title);
    size += row(text + size, STATUS_ROW, line);
    help(line, status);
    size += row(text + size, HELP_ROW, line);
    size += (size_t)sprintf(text + size, "%s", beeps ? "\a" : "");
    terminal_write(text, size);
}
