/* The command line of ftvm-sim. */
#ifndef FAULT_INJECTION_SIMULATOR_OPTIONS_H
#define FAULT_INJECTION_SIMULATOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "logging/mutant.h"

enum sim_task { SIM_SWEEP, SIM_SEED, SIM_MUTANTS, SIM_EXPLORE, SIM_LIST, SIM_HELP };

struct options {
    enum sim_task task;
    uint64_t seed;
    uint64_t first, runs, seconds;
    unsigned jobs, deeper;
    bool shrinks;
    enum mutant mutant;
};

/* False after a line on stderr that says what is wrong. */
bool options_read(struct options *options, int count, char **arguments);
void options_help(void);

#endif
