/* How a run that fails is told: the schedule, shrunk, and the story of what happened. */
#ifndef FAULT_INJECTION_SIMULATOR_REPORT_H
#define FAULT_INJECTION_SIMULATOR_REPORT_H

#include <stdio.h>

#include "fault-injection/simulator/run.h"

struct report_options {
    bool (*allocation_arm)(uint64_t *countdown);
    bool shrinks;
    const char *mutant; /* for the line that says how to see it again; NULL: none */
};

/* Runs the seed, tells its story and, if it fails and `shrinks`, that of its shortest form. True if
 * nothing was violated. */
bool report_seed(uint64_t seed, const struct report_options *options, FILE *out);
/* The schedule of a seed, as the program runs it. */
void report_schedule(struct schedule *schedule, uint64_t seed,
                     const struct report_options *options);

#endif
