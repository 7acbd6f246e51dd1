/*
 * The numbered lines that a guest with ftvm.console_count=1 prints, read byte by byte from one file
 * after the other. What a lost primary had printed last may be printed again by its successor, but
 * nothing may be missing, in a file or between two.
 *
 * Pure: the bytes come from console_log.h, or from a workload that follows the files.
 */
#ifndef FAULT_INJECTION_LAB_CONSOLE_LINES_H
#define FAULT_INJECTION_LAB_CONSOLE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_LINES_COUNT "ftvm-count " /* and a number */
#define CONSOLE_LINES_SIZE  256u          /* of a line; the rest of a longer one is passed over */

struct console_lines {
    uint64_t count;                /* lines so far, repeated ones included */
    int64_t last;                  /* number of the last one; -1: none yet */
    int64_t gap_from, gap_to;      /* the first two between which some are missing; -1: none */
    char line[CONSOLE_LINES_SIZE]; /* the beginning of a line that has not ended */
    size_t used;
    bool first_line, first_number; /* nothing, and no number, has come in this file */
    char head[CONSOLE_LINES_SIZE]; /* the file's first line, if it is none of the numbered ones */
    char tail[CONSOLE_LINES_SIZE]; /* what stood at the end of the last file, without a line end */
};

void console_lines_init(struct console_lines *lines);
/* What comes now stands in the next file. */
void console_lines_next_file(struct console_lines *lines);
/* False from the first gap on; lines are counted all the same. */
bool console_lines_take(struct console_lines *lines, const char *bytes, size_t size);

#endif
