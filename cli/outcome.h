/*
 * What the end of a replica means: the exit code, and what to do about it.
 */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include "cli/exit_codes.h"

/* `error` (enum ftvm_error) kept the replica from starting. */
enum cli_exit outcome_of_start(int error);
/* `error` ended a replica that ran. */
enum cli_exit outcome_of_run(int error);
/* Advice for people, or "". */
const char *outcome_advice(int error);

#endif
