/*
 * What is seen while an experiment runs: on a terminal one line that is written over, elsewhere a
 * line for each run. With what is left, by the time that the runs of this session took.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_PROGRESS_H
#define FAULT_INJECTION_LAB_EXPERIMENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "fault-injection/lab/experiment/results.h"

struct progress {
    enum experiment_kind kind;
    unsigned total, done, bad; /* bad: violations, and what else went wrong */
    unsigned session;          /* done by this process */
    uint64_t start_ns;
    bool terminal;
};

void progress_start(struct progress *progress, enum experiment_kind kind, unsigned total,
                    unsigned done, unsigned bad);
/* What runs now: for a terminal. */
void progress_begin(const struct progress *progress, const char *point, unsigned repetition);
void progress_end(struct progress *progress, const char *point, unsigned repetition,
                  const struct result *result);
/* The last line. */
void progress_finish(const struct progress *progress);

#endif
