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
    const struct results *results; /* which count */
    unsigned total;
    unsigned before; /* done when this process began */
    uint64_t start_ns;
    bool terminal;
};

/* `left`: so many runs are to be done. `results` must live as long. */
void progress_start(struct progress *progress, const struct results *results, unsigned left);
/* What runs now: for a terminal. */
void progress_begin(const struct progress *progress, const char *point, unsigned repetition);
/* Of a run that the results have taken in. */
void progress_end(const struct progress *progress, const char *point, unsigned repetition,
                  const struct result *result);
/* The last line. */
void progress_finish(const struct progress *progress);

#endif
