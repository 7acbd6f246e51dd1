#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_LIMIT 2048u

/* A terminal in raw mode (the guest's console) does not return the carriage by itself. */
static const char *line_end(void)
{
    struct termios mode;

    if (tcgetattr(STDERR_FILENO, &mode) == 0 && !(mode.c_oflag & OPOST))
        return "\r\n";
    return "\n";
}

void say(const char *format, ...)
{
    char line[LINE_LIMIT] = "ftvm: ";
    const char *end = line_end();
    size_t used = strlen(line);
    size_t room = sizeof(line) - used - strlen(end);
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line + used, room, format, arguments);
    va_end(arguments);
    if (size < 0)
        return;
    used += (size_t)size < room ? (size_t)size : room - 1;
    memcpy(line + used, end, strlen(end));
    used += strlen(end);
    /* Nobody can be told that stderr is gone. */
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written;
}
