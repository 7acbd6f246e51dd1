/*
 * Proves that the checkers are worth something: each mutant of the protocol (logging/mutant.h) must
 * be caught. One process for each, which runs seeds until one fails.
 */
#ifndef FAULT_INJECTION_SIMULATOR_HUNT_H
#define FAULT_INJECTION_SIMULATOR_HUNT_H

#include "fault-injection/simulator/report.h"

struct hunt_options {
    bool (*allocation_arm)(uint64_t *countdown);
    uint64_t first, most; /* seeds to try for each */
    unsigned jobs;
};

/* Prints a line for each mutant, and how many were caught. Returns how many survived, or -1 if
 * processes cannot be made. */
int hunt(const struct hunt_options *options, FILE *out);

#endif
