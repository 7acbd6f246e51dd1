/*
 * Where results go: a table on standard output, NAME.csv with the same rows, and NAME.samples.csv
 * with the values behind them.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "fault-injection/lab/measure/sample.h"

struct report {
    const char *section;
    FILE *summary, *samples; /* or NULL: the table alone */
    bool headed;             /* the columns of the table have been named */
};

struct report_row {
    const char *workload;  /* "cpu loop" */
    const char *form;      /* "unprotected", "revised", ... or "" */
    const char *parameter; /* what else was set, or NULL */
    const char *quantity;  /* "instructions" */
    const char *unit;
    const struct sample *sample;
    const struct sample *base; /* what the ratio is of, or NULL */
};

/* False, with errno, if a file cannot be made. */
bool report_open(struct report *report, const char *directory, const char *section,
                 const char *title);
void report_close(struct report *report);

/* NAME.table.csv, for what does not fit into the columns of the others; the caller closes it. NULL,
 * with errno, if it cannot be made. */
FILE *report_open_table(const struct report *report, const char *directory);

/* Into the files only. */
void report_record(struct report *report, const struct report_row *row);
void report_row(struct report *report, const struct report_row *row);
/* A line for people below the rows. */
__attribute__((format(printf, 2, 3))) void report_note(struct report *report, const char *format,
                                                       ...);

#endif
