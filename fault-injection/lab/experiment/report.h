/*
 * The report of an experiment: one HTML file that needs nothing else, from the files that its runs
 * have left (results.h). What was asked, on what it was measured, how to do it again; the figures
 * of its points; pictures; and each run that went wrong, with its seed and its logs.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_REPORT_H
#define FAULT_INJECTION_LAB_EXPERIMENT_REPORT_H

#include "fault-injection/lab/experiment/results.h"
#include "fault-injection/lab/experiment/table.h"

/* `output` NULL: beside the results. False with a line in `error`. */
bool report_write(const struct experiment *experiment, const char *experiment_path,
                  const char *results_directory, const char *output,
                  char error[RESULTS_ERROR_SIZE]);

/* What its parts share (report_*.c). */
struct report {
    const struct experiment *experiment;
    const char *directory; /* of the results */
    struct table table;    /* of the runs */
    FILE *page;
    bool pictures;
    unsigned picture; /* their number so far */
};

/* Reads NAME.ending; an empty table if there is none. */
void report_table(const struct report *report, const char *ending, struct table *table);
/* Median and quartiles of columns, a row for each point. `columns` and `heads` end with NULL;
 * columns without any value are left out. */
void report_figures(struct report *report, const char *const columns[], const char *const heads[]);

void report_faults(struct report *report);
void report_speed(struct report *report);

#endif
