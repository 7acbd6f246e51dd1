/*
 * The exhaustive mode of the program: a table of short runs, each explored to its depth, and how
 * many states that were. What is explored stands in explore.h.
 */
#ifndef FAULT_INJECTION_SIMULATOR_EXPLORE_TABLE_H
#define FAULT_INJECTION_SIMULATOR_EXPLORE_TABLE_H

#include <stdbool.h>
#include <stdio.h>

/* `deeper` choices more than the table says. False if something was violated; then the story of it,
 * with as few choices as possible, is printed. */
bool explore_table(unsigned deeper, FILE *out);

#endif
