/*
 * The memory of a running replica's guest, from outside: for faults of memory.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_GUEST_MEMORY_H
#define FAULT_INJECTION_LAB_FAULTS_GUEST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault-injection/lab/lab.h"

#define GUEST_MEMORY_BYTES ((uint64_t)256 << 20) /* what replica.c gives a guest */

/* Flips one bit at a place drawn from `random`, of a page that is in use if one is found soon.
 * `offset` is that of the byte in the guest's memory. */
bool guest_memory_flip(struct lab *lab, pid_t pid, uint64_t random, uint64_t *offset,
                       unsigned *bit);

#endif
