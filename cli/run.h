/*
 * `ftvm run`, `ftvm primary` and `ftvm backup`: one replica from its start to its end.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/options.h"

/* Returns the exit code. The calling thread becomes the vCPU thread; no other may exist yet. */
int run_replica(const struct options *options);

#endif
