/*
 * The guest's console over all replicas that were active, one file each. What a lost primary had
 * printed last may be printed again by its successor, but nothing may be missing between the two
 * (console_lines.h).
 */
#ifndef FAULT_INJECTION_LAB_CONSOLE_LOG_H
#define FAULT_INJECTION_LAB_CONSOLE_LOG_H

#include "fault-injection/lab/pair.h"

/* Checks that the numbered lines have no gap, in each file and from one to the next. `lines` is how
 * many there were, repeated ones included. */
bool console_log_check(const struct pair *pair, unsigned *lines);

#endif
