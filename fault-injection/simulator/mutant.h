/*
 * Which mutant of the protocol (logging/mutant.h) this thread runs with: none, until one is chosen.
 * Simulations in other threads are not concerned.
 */
#ifndef FAULT_INJECTION_SIMULATOR_MUTANT_H
#define FAULT_INJECTION_SIMULATOR_MUTANT_H

#include "logging/mutant.h"

/* MUTANT_NONE takes the choice back. */
void mutant_choose(enum mutant mutant);

/* MUTANT_NONE if there is none of that name. */
enum mutant mutant_find(const char *name);

/* Name, and one line on what goes wrong. "none" and "" for MUTANT_NONE. */
const char *mutant_name(enum mutant mutant);
const char *mutant_about(enum mutant mutant);

#endif
