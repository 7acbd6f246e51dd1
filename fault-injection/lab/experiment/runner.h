/*
 * Runs what is not done yet of an experiment, run by run, with its results on disk before the next
 * begins.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_RUNNER_H
#define FAULT_INJECTION_LAB_EXPERIMENT_RUNNER_H

#include "fault-injection/lab/experiment/options.h"
#include "fault-injection/lab/experiment/results.h"

/* Returns an exit code; what is wrong is said on stderr. */
int runner_run(const struct lab_options *options, const struct experiment *experiment,
               struct results *results);

#endif
