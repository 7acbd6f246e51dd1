/*
 * Lets allocations fail. Only a program that is linked with --wrap for malloc, calloc and realloc
 * has these; between two calls of allocation_arm() each allocation of the thread is counted.
 */
#ifndef FAULT_INJECTION_SIMULATOR_ALLOCATION_H
#define FAULT_INJECTION_SIMULATOR_ALLOCATION_H

#include <stdbool.h>
#include <stdint.h>

/* As config.allocation_arm of cluster.h asks. */
bool allocation_arm(uint64_t *countdown);

#endif
