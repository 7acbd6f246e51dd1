#include "fault-injection/lab/console_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "fault-injection/lab/console_lines.h"

#define PIECE 4096u

/* A replica that was never active has no file, or an empty one. */
static bool check_file(const struct pair *pair, const struct replica *replica,
                       struct console_lines *lines)
{
    FILE *file = fopen(replica->console, "re");
    char bytes[PIECE];
    bool good = true;
    size_t size;

    if (!file)
        return true;
    console_lines_next_file(lines);
    while (good && (size = fread(bytes, 1, sizeof(bytes), file)) > 0)
        good = console_lines_take(lines, bytes, size);
    fclose(file);
    return good || lab_fail(pair->lab,
                            "the console goes from line %" PRId64 " to line %" PRId64
                            " in the file of replica %s",
                            lines->gap_from, lines->gap_to, replica->label);
}

bool console_log_check(const struct pair *pair, unsigned *lines)
{
    struct console_lines all;

    console_lines_init(&all);
    for (unsigned i = 0; i < pair->count; i++)
        if (!check_file(pair, &pair->replicas[i], &all))
            return false;
    *lines = (unsigned)all.count;
    return true;
}
