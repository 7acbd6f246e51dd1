#include "fault-injection/lab/console_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_SIZE 256u

/* Where the check stands: at the end of one file, the beginning of the next. */
struct progress {
    int64_t last;         /* number of the last complete line; -1: none yet */
    char tail[LINE_SIZE]; /* what the lost primary had printed of the line after it */
};

/* Others print too, and not all of them end their lines (the shell's prompt). */
static bool read_number(const char *line, int64_t *number)
{
    const char *count = strstr(line, CONSOLE_LOG_COUNT);
    char *end;

    if (!count)
        return false;
    count += strlen(CONSOLE_LOG_COUNT);
    *number = strtoll(count, &end, 10);
    return end != count && *end == '\0';
}

/* Do the end of one file and the beginning of the next, perhaps overlapping, make this line? */
static bool completes(const char *tail, const char *head, int64_t number)
{
    char line[LINE_SIZE];
    size_t size = (size_t)snprintf(line, sizeof(line), "%s%" PRId64, CONSOLE_LOG_COUNT, number);
    size_t first = strlen(tail), second = strlen(head);

    return first <= size && second <= size && strncmp(line, tail, first) == 0 &&
           strcmp(line + size - second, head) == 0 && first + second >= size;
}

/* `head` is what stood in this file before its first line end, if that is not a line of its own. */
static bool follows(const struct progress *progress, bool first_in_file, const char *head,
                    int64_t number)
{
    if (progress->last < 0 || number == progress->last + 1)
        return true;
    if (!first_in_file)
        return false;
    return number <= progress->last ||
           (number == progress->last + 2 && completes(progress->tail, head, number - 1));
}

static bool check_file(const struct pair *pair, const struct replica *replica,
                       struct progress *progress, unsigned *lines)
{
    char line[LINE_SIZE] = "", head[LINE_SIZE] = "";
    bool first_line = true, first_number = true;
    FILE *file = fopen(replica->console, "re");
    size_t used = 0;
    int c;

    if (!file)
        return true; /* it was never active */
    while ((c = getc(file)) != EOF) {
        int64_t number;

        if (c != '\n') {
            if (c != '\r' && used < sizeof(line) - 1)
                line[used++] = (char)c;
            continue;
        }
        line[used] = '\0';
        used = 0;
        if (read_number(line, &number)) {
            if (!follows(progress, first_number, head, number)) {
                fclose(file);
                return lab_fail(pair->lab,
                                "the console goes from line %" PRId64 " to line %" PRId64
                                " in the file of replica %s",
                                progress->last, number, replica->label);
            }
            progress->last = number;
            first_number = false;
            ++*lines;
        } else if (first_line) {
            memcpy(head, line, sizeof(head));
        }
        first_line = false;
    }
    line[used] = '\0';
    if (!first_line || used > 0)
        memcpy(progress->tail, line, sizeof(line));
    fclose(file);
    return true;
}

bool console_log_check(const struct pair *pair, unsigned *lines)
{
    struct progress progress = {.last = -1};

    *lines = 0;
    for (unsigned i = 0; i < pair->count; i++)
        if (!check_file(pair, &pair->replicas[i], &progress, lines))
            return false;
    return true;
}
