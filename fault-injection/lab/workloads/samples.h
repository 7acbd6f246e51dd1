/*
 * The samples of a run by their numbers, from 0 on: the last SAMPLES_MAX of them. Older ones are
 * forgotten, and their numbers not given again. Not safe for several threads at once.
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_SAMPLES_H
#define FAULT_INJECTION_LAB_WORKLOADS_SAMPLES_H

#include "fault-injection/lab/workloads/workload.h"

struct samples {
    struct workload_sample *items; /* sample N stands at N % capacity */
    size_t capacity;               /* a power of two */
    uint64_t count;                /* that there have been */
};

void samples_free(struct samples *samples);
/* Without memory for more, the oldest ones go earlier. */
void samples_add(struct samples *samples, const struct workload_sample *sample);
/* The number of the oldest that is there. */
uint64_t samples_oldest(const struct samples *samples);
/* From number `first` on, or the oldest if that is later; returns how many. */
size_t samples_copy(const struct samples *samples, uint64_t first, struct workload_sample *copy,
                    size_t capacity);

#endif
