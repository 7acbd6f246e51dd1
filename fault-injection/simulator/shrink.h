/*
 * Makes a schedule that fails shorter: fewer acts, fewer inputs, plainer knobs, as long as the same
 * checker still finds a violation. Deterministic, and bounded by the number of runs it may take.
 */
#ifndef FAULT_INJECTION_SIMULATOR_SHRINK_H
#define FAULT_INJECTION_SIMULATOR_SHRINK_H

#include <stdio.h>

#include "fault-injection/simulator/run.h"

#define SHRINK_RUNS 3000u

/* `schedule` fails as `violated` says. Returns how many runs were tried. */
unsigned shrink(struct schedule *schedule, enum checker violated);

/* The acts that are left, and the knobs that are not the usual ones, a line each. */
void shrink_print(const struct schedule *schedule, FILE *out);

#endif
