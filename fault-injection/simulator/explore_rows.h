/*
 * The short runs that are explored as a matter of course, by `ftvm-sim --explore` and by the tests:
 * each with a depth that takes seconds.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_ROWS_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_ROWS_H

#include "fault-injection/simulator/explore.h"

enum explore_row {
    EXPLORE_PAIR,
    EXPLORE_ORIGINAL,
    EXPLORE_INPUT_ENDED,
    EXPLORE_FIRST_JOIN,
    EXPLORE_ARBITER,
    EXPLORE_SLEEP,
    EXPLORE_ANOTHER,
    EXPLORE_ROWS
};

const char *explore_row_name(enum explore_row row);
struct explore_options explore_row_options(enum explore_row row);

#endif
