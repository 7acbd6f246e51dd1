#include "fault-injection/lab/console_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void console_lines_init(struct console_lines *lines)
{
    *lines = (struct console_lines){
        .last = -1, .gap_from = -1, .gap_to = -1, .first_line = true, .first_number = true};
}

void console_lines_next_file(struct console_lines *lines)
{
    lines->line[lines->used] = '\0';
    if (!lines->first_line || lines->used > 0)
        memcpy(lines->tail, lines->line, sizeof(lines->line));
    lines->used = 0;
    lines->head[0] = '\0';
    lines->first_line = lines->first_number = true;
}

/* Others print too, and not all of them end their lines (the shell's prompt). */
static bool read_number(const char *line, int64_t *number)
{
    const char *count = strstr(line, CONSOLE_LINES_COUNT);
    char *end;

    if (!count)
        return false;
    count += strlen(CONSOLE_LINES_COUNT);
    *number = strtoll(count, &end, 10);
    return end != count && *end == '\0';
}

/* How much of the line stands at the end of a file: others (the shell's prompt) may have printed
 * before it without ending their line. */
static size_t begun(const char *tail, const char *line)
{
    for (; *tail; tail++)
        if (strncmp(line, tail, strlen(tail)) == 0)
            break;
    return strlen(tail);
}

/* Do the end of one file and the beginning of the next, perhaps overlapping, make this line? */
static bool completes(const char *tail, const char *head, int64_t number)
{
    char line[CONSOLE_LINES_SIZE];
    size_t size = (size_t)snprintf(line, sizeof(line), "%s%" PRId64, CONSOLE_LINES_COUNT, number);
    size_t rest = strlen(head);

    return rest <= size && strcmp(line + size - rest, head) == 0 &&
           begun(tail, line) + rest >= size;
}

static bool follows(const struct console_lines *lines, int64_t number)
{
    if (lines->last < 0 || number == lines->last + 1)
        return true;
    if (!lines->first_number)
        return false;
    return number <= lines->last ||
           (number == lines->last + 2 && completes(lines->tail, lines->head, number - 1));
}

static void end_line(struct console_lines *lines)
{
    int64_t number;

    lines->line[lines->used] = '\0';
    lines->used = 0;
    if (read_number(lines->line, &number)) {
        if (lines->gap_to < 0 && !follows(lines, number)) {
            lines->gap_from = lines->last;
            lines->gap_to = number;
        }
        lines->last = number;
        lines->first_number = false;
        lines->count++;
    } else if (lines->first_line) {
        memcpy(lines->head, lines->line, sizeof(lines->head));
    }
    lines->first_line = false;
}

bool console_lines_take(struct console_lines *lines, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            end_line(lines);
        else if (bytes[i] != '\r' && lines->used < sizeof(lines->line) - 1)
            lines->line[lines->used++] = bytes[i];
    }
    return lines->gap_to < 0;
}
